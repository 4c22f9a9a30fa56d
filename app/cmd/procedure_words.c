/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cmd/procedure_words.h"

#include <string.h>

/* clang-format off */
static const struct procedure_word labels[] = {
	{"title", {"Verfahrensdokumentation der E-Mail-Archivierung", "Procedure documentation of the mail archive"}},
	{"fact", {"Angabe", "Fact"}},
	{"value", {"Wert", "Value"}},
	{"none", {"–", "–"}},
	{"never", {"nie", "never"}},
	{"yes", {"ja", "yes"}},
	{"no", {"nein", "no"}},

	{"archive", {"Das Archiv", "The archive"}},
	{"written_at", {"Stand dieses Dokuments", "State of this document"}},
	{"time_zone", {"Zeitzone des Systems (alle Zeiten hier in UTC)", "Time zone of the system (all times here are UTC)"}},
	{"name", {"Name", "Name"}},
	{"id", {"Kennung (UUID)", "Identifier (UUID)"}},
	{"folder", {"Ordner", "Folder"}},
	{"made_at", {"Angelegt am", "Made at"}},
	{"mails", {"E-Mails", "Mails"}},
	{"mail_bytes", {"Umfang der E-Mails", "Size of the mails"}},
	{"deleted_not_erased", {"Gelöscht, noch nicht vom Medium entfernt", "Deleted, not erased from the medium yet"}},

	{"intake", {"Eingang der E-Mails", "How mail comes in"}},
	{"largest_mail_bytes", {"Größte E-Mail", "Largest mail"}},
	{"doors", {"Eingänge", "Doors"}},
	{"door", {"Eingang", "Door"}},
	{"listen", {"Erreichbar unter", "Listens at"}},
	{"archive_domain", {"Archivdomäne", "Archive domain"}},
	{"network", {"Zugelassene Netze", "Networks let in"}},
	{"journal_reports", {"Journalberichte werden ausgepackt", "Journal reports are unwrapped"}},
	{"log_in", {"Anmeldung möglich", "Log-in offered"}},
	{"tls", {"TLS", "TLS"}},
	{"fetched_mailboxes", {"Abgeholte Postfächer", "Mailboxes that are fetched"}},
	{"account", {"Konto", "Account"}},
	{"protocol", {"Protokoll", "Protocol"}},
	{"host", {"Server", "Server"}},
	{"after_archiving", {"Nach dem Archivieren", "After archiving"}},
	{"last_run_at", {"Letzter Lauf", "Last run"}},
	{"spool", {"Eingangspuffer", "Spool"}},
	{"waiting_for_delivery", {"Noch nicht zugestellt", "Not delivered yet"}},
	{"waiting_for_archive", {"Warten auf die Archivierung", "Wait to be archived"}},
	{"stuck", {"Können nicht archiviert werden", "Cannot be archived"}},
	{"taken_in", {"Seit Beginn der Zählung aufgenommen", "Taken in since counting began"}},
	{"way", {"Weg", "Way"}},
	{"archived", {"Archiviert", "Archived"}},
	{"duplicate", {"Schon vorhanden", "There already"}},
	{"failed", {"Fehlgeschlagen", "Failed"}},

	{"media", {"Speichermedien", "Storage media"}},
	{"pack_bytes", {"Größe eines Pakets", "Size of a pack"}},
	{"staging_free_bytes", {"Freier Platz auf diesem System", "Free on this system"}},
	{"staging_reserve_bytes", {"Davon Reserve", "Of this in reserve"}},
	{"numbered", {"Nummerierte Medien", "Numbered media"}},
	{"medium", {"Medium", "Medium"}},
	{"kind", {"Art", "Kind"}},
	{"location", {"Ort", "Location"}},
	{"state", {"Zustand", "State"}},
	{"active", {"Nimmt neue E-Mails auf", "Takes new mail"}},
	{"added_at", {"Hinzugefügt am", "Added at"}},
	{"answers", {"Erreichbar", "Answers"}},
	{"asked_at", {"Geprüft am", "Asked at"}},
	{"packs", {"Pakete", "Packs"}},
	{"stored_bytes", {"Belegt", "Stored"}},
	{"free_bytes", {"Frei", "Free"}},

	{"key", {"Archivschlüssel", "The archive key"}},
	{"fingerprint", {"Fingerabdruck", "Fingerprint"}},
	{"backup_made_at", {"Sicherung auf Papier erstellt am", "Copy on paper made at"}},

	{"access", {"Zugriff und Rollen", "Access and roles"}},
	{"sources", {"Herkunft der Benutzer, in dieser Reihenfolge", "Where people are known from, in this order"}},
	{"session_idle_minutes", {"Sitzung endet ohne Nutzung nach Minuten", "A session ends unused after minutes"}},
	{"session_hours", {"Sitzung endet spätestens nach Stunden", "A session ends at the latest after hours"}},
	{"password_characters", {"Mindestlänge eines Passworts", "Characters of a password, at least"}},
	{"one_time_codes_demanded_of", {"Einmal-Codes verlangt von", "One-time codes demanded of"}},
	{"holders", {"Inhaber besonderer Rollen", "Who holds a role"}},
	{"role", {"Rolle", "Role"}},
	{"log_in_name", {"Anmeldename", "Log-in name"}},
	{"source", {"Herkunft", "Source"}},
	{"enabled", {"Eingeschaltet", "Enabled"}},
	{"last_log_in_at", {"Letzte Anmeldung", "Last log-in"}},
	{"bounded", {"Eingeschränkt", "Bounded"}},
	{"valid_until", {"Gültig bis", "Valid until"}},
	{"ordinary_people", {"Übrige Benutzer (sehen nur eigene E-Mails)", "Ordinary people (see their own mail only)"}},

	{"retention", {"Aufbewahrung und Löschung", "Retention and deletion"}},
	{"deletion", {"Löschen auf Antrag", "Deletion on request"}},
	{"deleted_by_age", {"Löschen nach Alter", "Deletion by age"}},
	{"holds", {"Löschsperren", "Holds"}},
	{"mails_held", {"E-Mails unter Löschsperre", "Mails under hold"}},
	{"requests_open", {"Offene Löschanträge", "Open requests for deletion"}},

	{"timestamps", {"Zeitstempel", "Timestamps"}},
	{"authority", {"Zeitstempeldienst", "Timestamping authority"}},
	{"digest", {"Hashverfahren", "Hash function"}},
	{"mails_stamped", {"E-Mails mit Zeitstempel", "Mails with a timestamp"}},
	{"mails_waiting", {"E-Mails, die auf einen warten", "Mails that wait for one"}},
	{"answers_refused", {"Zurückgewiesene Antworten", "Answers refused"}},
	{"last_timestamp_at", {"Letzter Zeitstempel", "Last timestamp"}},
	{"certificate_ends_at", {"Erstes Zertifikat endet am", "First certificate ends at"}},

	{"integrity", {"Unveränderbarkeit und Prüfungen", "Integrity and proofs"}},
	{"last_verify", {"Letzte vollständige Prüfung", "Last check of everything"}},
	{"last_drill", {"Letzte Übung der Wiederherstellung", "Last restore drill"}},
	{"done_at", {"Am", "At"}},
	{"result", {"Ergebnis", "Result"}},
	{"audit_log", {"Protokoll der Zugriffe", "Audit log"}},
	{"lines", {"Einträge", "Lines"}},
	{"last_hash", {"Hashwert des letzten", "Hash of the last"}},

	{"backup", {"Sicherung", "Backup"}},
	{"backups_kept_days", {"Sicherungen bleiben, Tage", "Backups are kept, days"}},
	{"one_a_week_kept_weeks", {"Danach eine je Woche, Wochen", "Then one a week, weeks"}},
	{"mirror", {"Spiegel", "Mirror"}},

	{"timetable", {"Zeitplan", "Timetable"}},
	{"jobs", {"Aufgaben", "Jobs"}},
	{"job", {"Aufgabe", "Job"}},
	{"when", {"Wann (Ortszeit)", "When (local time)"}},
	{"paused", {"Ausgesetzt", "Paused"}},
	{"next_at", {"Nächster Lauf", "Next run"}},
	{"last_began_at", {"Letzter Lauf begann", "Last run began"}},

	{"watching", {"Überwachung", "Watching"}},
	{"alarms_by_mail", {"Warnungen per E-Mail", "Alarms by mail"}},
	{"alarms", {"Bestehende Warnungen", "Alarms at present"}},
	{"alarm", {"Warnung", "Alarm"}},
	{"about", {"Betrifft", "About"}},
	{"level", {"Stufe", "Level"}},
	{"since_at", {"Seit", "Since"}},

	{"software", {"Software", "Software"}},
	{"sealpost", {"Sealpost", "Sealpost"}},
	{"pack_format", {"Format der Pakete", "Format of the packs"}},
	{"catalog_format", {"Format des Katalogs", "Format of the catalog"}},
	{"cryptography", {"Kryptographie", "Cryptography"}},
	{"database", {"Datenbank", "Database"}},
	{"compression", {"Kompression", "Compression"}},
	{"system", {"Betriebssystem", "Operating system"}},
	{"kernel", {"Kernel", "Kernel"}},

	{"settings", {"Einstellungen", "Settings"}},
	{"set", {"Gesetzte Werte", "Values that are set"}},
	{"file", {"Datei", "File"}},
	{"setting", {"Einstellung", "Setting"}},
};

static const struct procedure_word values[] = {
	{"in_use", {"in Gebrauch", "in use"}},
	{"deactivated", {"stillgelegt", "deactivated"}},
	{"removed", {"entfernt", "removed"}},
	{"redirected", {"umgeleitet", "redirected"}},
	{"local", {"lokal (nur zur Probe)", "local (for trials only)"}},
	{"smb", {"Freigabe (SMB)", "share (SMB)"}},
	{"smtp", {"SMTP oder LMTP", "SMTP or LMTP"}},
	{"milter", {"Mailserver (Milter)", "mail server (milter)"}},
	{"lmtp", {"Mailserver (LMTP)", "mail server (LMTP)"}},
	{"import", {"Import", "import"}},
	{"fetch", {"Abholen (POP3, IMAP4)", "fetching (POP3, IMAP4)"}},
	{"journal", {"Journalbericht", "journal report"}},
	{"upload", {"Programm (HTTP)", "program (HTTP)"}},
	{"leave", {"bleibt liegen", "left there"}},
	{"tag", {"markiert", "tagged"}},
	{"move", {"verschoben", "moved"}},
	{"delete", {"dort gelöscht", "deleted there"}},
	{"admin", {"Administrator", "administrator"}},
	{"auditor", {"Auditor", "auditor"}},
	{"revisor", {"Revisor", "revisor"}},
	{"dataofficer", {"Datenschutzbeauftragter", "data protection officer"}},
	{"uploader", {"einlieferndes Programm", "program that uploads"}},
	{"user", {"Benutzer", "user"}},
	{"fixed", {"fest eingebaut", "built in"}},
	{"own", {"im Archiv selbst", "the archive itself"}},
	{"appliance", {"dieses System", "this system"}},
	{"ldap", {"Verzeichnis (LDAP, Active Directory)", "directory (LDAP, Active Directory)"}},
	{"imap", {"IMAP-Server", "IMAP server"}},
	{"oidc", {"OpenID Connect", "OpenID Connect"}},
	{"off", {"aus: niemand kann löschen lassen", "off: nobody can have mail deleted"}},
	{"on", {"an, ohne Genehmigung", "on, without approval"}},
	{"approval", {"an, mit Genehmigung des Datenschutzbeauftragten", "on, with the data protection officer's approval"}},
	{"done", {"ohne Beanstandung", "done"}},
	{"partly", {"teilweise", "partly"}},
	{"damaged", {"Schäden gefunden", "damage found"}},
	{"failed", {"fehlgeschlagen", "failed"}},
	{"running", {"läuft", "running"}},
	{"timeout", {"an der Zeitgrenze beendet", "ended at its limit"}},
	{"died", {"abgebrochen", "died"}},
	{"stopped", {"angehalten", "stopped"}},
	{"skipped", {"nichts zu tun", "nothing to do it with"}},
	{"warning", {"Warnung", "warning"}},
	{"critical", {"kritisch", "critical"}},
	/* jobs */
	{"index", {"Suchindex ergänzen", "update the search index"}},
	{"notes", {"Kategorien und Notizen in den Suchindex", "categories and notes into the search index"}},
	{"stamp-many", {"Zeitstempel, wenn 10.000 E-Mails warten", "timestamps, if 10,000 mails wait"}},
	{"erase-index", {"Gelöschtes aus dem Suchindex entfernen", "remove deleted mail from the search index"}},
	{"erase-media", {"Gelöschtes von den Medien entfernen", "remove deleted mail from the media"}},
	{"backup-full", {"Vollsicherung des Katalogs, Spiegel", "full backup of the catalog, mirror"}},
	{"backup", {"Sicherung der Änderungen, Spiegel", "incremental backup, mirror"}},
	{"statistics", {"Statistik", "statistics"}},
	{"stamp", {"Zeitstempel", "timestamps"}},
	/* alarms */
	{"no_mail", {"länger als üblich keine E-Mail", "no mail came for longer than usual"}},
	{"spool", {"E-Mails warten zu lange im Eingangspuffer", "mail waits in the spool for too long"}},
	{"staging", {"E-Mails warten auf ihr Medium", "mail waits for its medium"}},
	{"job", {"eine Aufgabe schlägt fehl", "a job fails"}},
	{"job_late", {"eine Aufgabe ist überfällig", "a job is late"}},
	{"space", {"der Platz geht aus", "space runs out"}},
	{"key_backup", {"keine Sicherung des Archivschlüssels", "no copy of the archive key"}},
	{"timestamp", {"Zeitstempel fehlen", "timestamps are missing"}},
	{"certificate", {"ein Zertifikat läuft ab", "a certificate ends"}},
	{"mail_server", {"der Mailserver übergibt seine E-Mails nicht wie vorgesehen", "the mail server is not hooked as it must be"}},
	{"log_in", {"viele Anmeldungen schlagen fehl", "many log-ins fail"}},
	{"look", {"Prüfung nicht möglich", "it cannot be told"}},
};

static const struct procedure_word prose[] = {
	{"title", {
"Dieses Dokument beschreibt, wie E-Mails hier archiviert werden: mit den Einstellungen, die zum angegebenen Zeitpunkt galten. Es wird vom System selbst "
"erzeugt (`sealpost status --procedure`) und gehört zu den Unterlagen, die die GoBD als technische System- und Betriebsdokumentation verlangen. Nach jeder Änderung ist es neu zu "
"erzeugen und mit den früheren Fassungen aufzubewahren.\n\n"
"Zu ergänzen hat das Unternehmen, was kein System weiß: wer verantwortlich ist, welche Anweisungen für Mitarbeiter gelten (etwa zur privaten Nutzung), welche Postfächer steuerlich von "
"Bedeutung sind, und wo der Ausdruck des Archivschlüssels liegt.",
"This document tells how mail is archived here, with the settings that were in force at the time named. The system writes it itself "
"(`sealpost status --procedure`). It belongs to the papers that the German GoBD demand as technical and operational documentation. Write it anew after each change, and keep "
"the earlier ones.\n\n"
"What no system knows the company has to add: who is responsible, which rules its people follow (private use of mail, for one), which mailboxes matter for taxes, "
"and where the printed archive key is kept."}},
	{"archive", {
"Jede E-Mail wird so aufbewahrt, wie sie ankam, Byte für Byte. Die Pakete, in denen sie liegen, werden nur angefügt und nie überschrieben; Löschen geschieht allein auf dem Weg, der unten beschrieben ist.",
"Each mail is kept as it came, byte for byte. The packs that hold them are appended to and never overwritten; deletion goes the way described below, and no other."}},
	{"intake", {
"Der Absender erhält erst dann eine Bestätigung, wenn die E-Mail verschlüsselt und dauerhaft auf der Platte liegt. Was der Mailserver übergibt, wird vor den Filtern aufgenommen und archiviert, sobald es "
"zugestellt ist; was er abweist, wird nicht archiviert. Kommt dieselbe E-Mail auf mehreren Wegen, wird sie einmal aufbewahrt, und die weiteren Empfänger werden ergänzt. Die Eingänge haben keinen Schlüssel zum Archiv.",
"A sender is told that his mail was taken only when it lies sealed and durable on the disk. What the mail server hands over is captured before its filters and archived as soon as it is "
"delivered; what it rejects is not. A mail that comes by several ways is kept once, and gains the recipients. The doors hold no key to the archive."}},
	{"media", {
"E-Mails liegen in Paketen, die mit AES-256-GCM verschlüsselt und gegen jede Veränderung gesichert sind. Ein Paket auf einer Freigabe gilt erst dann als übertragen, wenn es von dort zurückgelesen und "
"verglichen wurde; bis dahin liegt es auf diesem System. Ist ein Medium nicht erreichbar, wird weiter archiviert, bis die Reserve erreicht ist; dann warten E-Mails bei ihren Absendern.",
"Mails lie in packs that are encrypted by AES-256-GCM and protected against any change. A pack on a share counts as brought there only after it was read back and compared; until then it "
"stays on this system. While a medium is away mail is archived on, until the reserve is reached; then mail waits at its senders."}},
	{"key", {
"Ein einziger Schlüssel (256 Bit) verschlüsselt alle E-Mails und den Katalog. Ohne ihn und ohne seine Sicherung auf Papier ist das Archiv unwiederbringlich verloren. Der Fingerabdruck ist nicht geheim: "
"er steht auch auf dem Ausdruck, so dass beides verglichen werden kann.",
"One key (256 bits) encrypts all mails and the catalog. Without it and without its copy on paper the archive is lost for ever. The fingerprint is no secret: it stands on the "
"sheet, too, so that both can be compared."}},
	{"access", {
"Der Administrator stellt ein und liest keine E-Mails. Der Auditor findet alle, der Revisor (etwa ein Betriebsprüfer) alle oder die ihm freigegebenen, der Datenschutzbeauftragte entscheidet über Löschanträge. Alle "
"übrigen finden, was ihre eigenen Adressen und die ihrer Gruppen gesendet oder empfangen haben. Jeder Zugriff wird protokolliert. Die Anmeldenamen der Inhaber besonderer Rollen stehen hier, weil die "
"Zuordnung der Rechte zu Personen nachprüfbar sein muss; die übrigen Benutzer werden nur gezählt.",
"The administrator configures and reads no mail. The auditor finds all of it, a revisor (a tax inspector, for one) all or what was granted, the data protection officer decides on requests for deletion. Everybody "
"else finds what his own and his groups' addresses sent or got. Each access is logged. The log-in names of those who hold a role stand here, since it must be possible to check who "
"has which rights; ordinary people are counted only."}},
	{"retention", {
"E-Mails werden unbefristet aufbewahrt. Gelöscht wird nur auf Antrag, wenn das eingeschaltet ist, und nie, was unter einer Löschsperre steht. Gelöschte E-Mails sind sofort für niemanden mehr auffindbar; nachts "
"werden sie aus dem Suchindex und von den Medien entfernt. Antrag, Entscheidung und Ausführung stehen im Protokoll. Gesetzliche Fristen (§ 147 AO, § 257 HGB) überwacht das Unternehmen.",
"Mails are kept without limit. They are deleted on request only, if that is switched on, and never what is under hold. Deleted mail is gone for everybody at once; at night it is taken out of "
"the search index and off the media. Request, decision and erasing are in the log. Periods of the law (§ 147 AO, § 257 HGB) are the company's to watch."}},
	{"timestamps", {
"Zeitstempel nach RFC 3161 beweisen, seit wann jede E-Mail unverändert ist: der Zeitstempeldienst bestätigt einen Hashwert, der über einen Hashbaum alle seit dem letzten aufgenommenen E-Mails und das Ende des "
"Protokolls umfasst. Er erfährt nichts vom Inhalt. Der Beweis einer E-Mail kann herausgegeben und ohne dieses System geprüft werden.",
"Timestamps by RFC 3161 prove since when each mail is unchanged: the authority confirms one hash that covers, through a tree of hashes, all mails since the last one and the end of the "
"audit log. It learns nothing of their content. The proof of a mail can be given away, and checked without this system."}},
	{"integrity", {
"Bei der vollständigen Prüfung wird jede E-Mail vom Medium gelesen und mit dem Hashwert verglichen, der bei der Aufnahme gebildet wurde. Bei der Übung wird das Archiv aus Medien oder Spiegel und dem "
"Schlüssel in einem leeren Ordner wiederhergestellt, und zufällig gewählte E-Mails werden geöffnet. Jeder Eintrag des Protokolls enthält den Hashwert des vorigen; das Ende der Kette geht in jeden Zeitstempel ein.",
"The check of everything reads each mail from its medium and compares it with the hash made when it came. The drill restores the archive from media or mirror and the key into an empty "
"folder, and opens mails at random. Each line of the audit log has the hash of the one before, and the end of the chain goes into each timestamp."}},
	{"backup", {
"Der Katalog (Metadaten, Benutzer, Notizen, Protokoll) wird verschlüsselt auf das aktive Medium gesichert, alle Medien auf den Spiegel. Auch ohne jede Sicherung des Katalogs kommen alle E-Mails "
"aus den Medien und dem Schlüssel zurück.",
"The catalog (metadata, people, notes, audit log) is backed up onto the active medium, encrypted, and all media onto the mirror. Without any backup of the catalog, too, all mails come back "
"from media and key."}},
	{"timetable", {
"Diese Aufgaben erledigt das System von selbst. Läufe, die ausfielen, weil das System aus war, werden nachgeholt; wiederholte Fehlschläge führen zu einer Warnung.",
"The system does these by itself. Runs that were missed since it was off are made up for; repeated failures raise an alarm."}},
	{"watching", {
"Am Ende jeder Aufgabe prüft das System sich selbst. Diese Warnungen bestanden, als das Dokument erzeugt wurde.",
"At the end of each job the system looks at itself. These alarms were so when the document was written."}},
	{"software", {
"Die Formate sind offengelegt (docs/FORMAT.md): E-Mails lassen sich mit dem Schlüssel auch ohne Sealpost lesen.",
"The formats are published (docs/FORMAT.md): with the key, mails can be read without Sealpost, too."}},
	{"settings", {
"Was hier nicht steht, hat den voreingestellten Wert dieser Version (`sealpost settings`). Empfänger von Warnungen sind unkenntlich gemacht.",
"What does not stand here has the default of this version (`sealpost settings`). Who gets alarms is made unreadable."}},
};

/* "daily at 01:12", word by word. */
static const struct procedure_word times[] = {
	{"never, as the full backup runs daily", {"nie, da die Vollsicherung täglich läuft", "never, as the full backup runs daily"}},
	{"never, as fetching is off", {"nie, da das Abholen aus ist", "never, as fetching is off"}},
	{" of each hour, but not Sundays at ", {" jeder Stunde, aber nicht sonntags um ", " of each hour, but not Sundays at "}},
	{" of each hour, but not at ", {" jeder Stunde, aber nicht um ", " of each hour, but not at "}},
	{" of each hour", {" jeder Stunde", " of each hour"}},
	{"Sundays at ", {"sonntags um ", "Sundays at "}},
	{"daily at ", {"täglich um ", "daily at "}},
	{"Mondays to Saturdays at ", {"montags bis samstags um ", "Mondays to Saturdays at "}},
	{", ", {", ", ", "}},
	{" and ", {" und ", " and "}},
};
/* clang-format on */

static const char *find(const struct procedure_word *words, size_t n, const char *key,
			enum procedure_language language)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i].key, key) == 0)
			return words[i].text[language];
	return NULL;
}

#define FIND(words, key) find(words, sizeof(words) / sizeof(*(words)), key, language)

const char *procedure_label(const char *key, enum procedure_language language)
{
	return FIND(labels, key);
}

const char *procedure_value(const char *value, enum procedure_language language)
{
	return FIND(values, value);
}

const char *procedure_prose(const char *chapter, enum procedure_language language)
{
	return FIND(prose, chapter);
}

void procedure_add_when(struct str *out, const char *when, enum procedure_language language)
{
	while (*when != '\0') {
		size_t i = 0, n = sizeof(times) / sizeof(*times);

		while (i < n && strncmp(when, times[i].key, strlen(times[i].key)) != 0)
			i++;
		if (i == n) {
			str_addc(out, *when++);
			continue;
		}
		str_adds(out, times[i].text[language]);
		when += strlen(times[i].key);
	}
}
