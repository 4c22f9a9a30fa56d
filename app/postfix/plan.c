/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/postfix/plan.h"

#include "app/postfix/plan_priv.h"
#include "app/postfix/words.h"

#define CAPTURE                                                                                    \
	"{ unix:archive/capture.sock, default_action=tempfail, connect_timeout=10s, "              \
	"command_timeout=30s, content_timeout=300s, protocol=6 }"
#define CAPTURE_FILTERED                                                                           \
	"{ unix:archive/filtered.sock, default_action=tempfail, connect_timeout=10s, "             \
	"command_timeout=30s, content_timeout=300s, protocol=6 }"
#define BINDER                                                                                     \
	"{ unix:archive/bind.sock, default_action=tempfail, connect_timeout=10s, "                 \
	"command_timeout=30s, content_timeout=300s, protocol=6 }"

#define NOT_FIRST "the capture is not the first milter: mail is archived changed, or not at all"

bool hook_is_domain(const char *text)
{
	const size_t len = strlen(text);

	return len > 0 && len <= 190 &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len && text[0] != '.' &&
	       text[0] != '-' && text[len - 1] != '.' && strstr(text, "..") == NULL;
}

static void add(struct planning *p, const struct hook_edit *edit)
{
	ARENA_PUSH(p->arena, p->plan->edits, *edit);
}

static void set_main(struct planning *p, const char *name, const char *value, const char *without)
{
	add(p, &(struct hook_edit){NULL, name, value, without});
}

/* --- main.cf ----------------------------------------------------------------------------------- */

static const char *capture_of(bool filtered)
{
	return filtered ? "$sealpost_capture_filtered" : "$sealpost_capture";
}

static void plan_own(struct planning *p)
{
	set_main(p, "sealpost_domain", p->wish->domain, "the archive domain is not known");
	if (p->plan->captures)
		set_main(p, "sealpost_capture", CAPTURE, "the capture is not reached");
	if (p->plan->captures_filtered) {
		set_main(p, "sealpost_capture_filtered", CAPTURE_FILTERED,
			 "the capture is not reached");
		set_main(p, "sealpost_binder", BINDER, "the binder is not reached");
	}
	set_main(p, "sealpost_recipient_check",
		 "check_recipient_access inline:{ { " COPY_DOMAIN
		 " = REJECT }, { $sealpost_domain = permit_mynetworks, reject } }",
		 "anybody can write to the archive");
	set_main(p, "sealpost_transport",
		 "inline:{ { " COPY_DOMAIN " = archive:unix:archive/lmtp.sock }, { "
		 "$sealpost_domain = archive:unix:archive/lmtp.sock }, { " TEST_DOMAIN
		 " = discard:test } }",
		 "copies do not reach the archive");
}

static void plan_milters(struct planning *p)
{
	const char *smtpd = postfix_value(p->reading, "smtpd_milters");
	const char *other = postfix_value(p->reading, "non_smtpd_milters");

	set_main(p, "smtpd_milters",
		 words_first(p->arena, capture_of(p->main_filtered), smtpd, ", "), NOT_FIRST);
	if (strcmp(other, "$smtpd_milters") == 0 && p->main_filtered == p->other_filtered)
		return;
	if (strcmp(other, "$smtpd_milters") == 0)
		other = smtpd;
	set_main(p, "non_smtpd_milters",
		 words_first(p->arena, capture_of(p->other_filtered), other, ", "), NOT_FIRST);
}

/* What Postfix takes for itself where nothing is set counts as well. */
static const char *list_of(const struct planning *p, const char *name)
{
	return postfix_means(p->reading, name)[0] == '\0' ? "" : postfix_value(p->reading, name);
}

static void plan_routing(struct planning *p)
{
	set_main(p, "recipient_bcc_maps", "regexp:$config_directory/" COPIES_FILE,
		 "the archive does not learn to whom mail is delivered");
	set_main(p, "transport_maps",
		 words_first(p->arena, "$sealpost_transport", list_of(p, "transport_maps"), ", "),
		 "copies do not reach the archive");
	set_main(p, "relay_domains",
		 words_last(p->arena, list_of(p, "relay_domains"), "$sealpost_domain", ", "),
		 "mail for the archive domain is refused");
	if (postfix_means(p->reading, "relay_recipient_maps")[0] != '\0') {
		set_main(p, "sealpost_relay_recipients", "inline:{ { @$sealpost_domain = OK } }",
			 "mail for the archive domain is refused");
		set_main(p, "relay_recipient_maps",
			 words_last(p->arena, postfix_value(p->reading, "relay_recipient_maps"),
				    "$sealpost_relay_recipients", ", "),
			 "mail for the archive domain is refused");
	}
	set_main(p, "smtpd_recipient_restrictions",
		 words_first(p->arena, "$sealpost_recipient_check",
			     list_of(p, "smtpd_recipient_restrictions"), ", "),
		 "the check of who may write to the archive is not the first restriction: others "
		 "can");
}

static void plan_queue(struct planning *p)
{
	if (strcmp(postfix_means(p->reading, "enable_long_queue_ids"), "yes") != 0)
		set_main(p, "enable_long_queue_ids", "yes",
			 "queue ids are used again: a mail may be taken for another");
	set_main(p, "archive_destination_recipient_limit", "0",
		 "a mail of many recipients arrives in pieces");
	set_main(p, "archive_destination_concurrency_limit", "5",
		 "the archive is asked too much at once");
}

/* --- master.cf --------------------------------------------------------------------------------- */

static bool has_space(const char *value)
{
	return strpbrk(value, " \t") != NULL;
}

/* Words in master.cf have no white space between them, and none within. */
static int plan_option(struct planning *p, const char *service, const char *name,
		       const struct words *words, const char *without, struct err *err)
{
	CLEAN_STR value = STR_INIT;

	for (size_t i = 0; i < words->n; i++) {
		str_adds(&value, i > 0 ? "," : "");
		str_addv(&value, words->v[i]);
	}
	if (has_space(value.data))
		return err_set(
			err, ERR_UNSUPPORTED,
			"%s of the service %s would have a word with white space in it. Give "
			"that a name of its own in main.cf, and write $name instead",
			name, service);
	add(p, &(struct hook_edit){service, name, arena_str(p->arena, value.data), without});
	return 0;
}

static struct words one_before(struct planning *p, const char *word, const char *value)
{
	const struct words old = words_of(p->arena, value);
	struct words words = {0};

	ARENA_PUSH(p->arena, words, VIEW(word));
	for (size_t i = 0; i < old.n; i++)
		ARENA_PUSH(p->arena, words, old.v[i]);
	return words;
}

/* A list of main.cf as words that fit into master.cf: each with white space in it is given a name. */
static const char *nameable(struct planning *p, const char *value)
{
	if (!has_space(value) || words_of(p->arena, value).n == 0)
		return value;
	set_main(p, "sealpost_others", value, "other milters are not reached");
	return "$sealpost_others";
}

static int plan_capture(struct planning *p, const struct postfix_service *service, struct err *err)
{
	const bool filtered = plan_is_filtered(p, service->id);
	const char *own = postfix_written(p->reading, service->id, "smtpd_milters");
	struct words words;

	if (own == NULL && filtered == p->main_filtered)
		return 0;
	if (own == NULL)
		own = nameable(p, postfix_value(p->reading, "smtpd_milters"));
	words = one_before(p, capture_of(filtered), own);
	return plan_option(p, service->id, "smtpd_milters", &words, NOT_FIRST, err);
}

static int plan_check(struct planning *p, const struct postfix_service *service, struct err *err)
{
	const char *own = postfix_written(p->reading, service->id, "smtpd_recipient_restrictions");
	struct words words;

	if (own == NULL)
		return 0;
	words = one_before(p, "$sealpost_recipient_check", own);
	return plan_option(p, service->id, "smtpd_recipient_restrictions", &words,
			   "the check of who may write to the archive is not the first "
			   "restriction: others can",
			   err);
}

/* Copies are made behind the filter only: it may refuse the mail yet. */
static int plan_mappings(struct planning *p, const struct postfix_service *service, struct err *err)
{
	struct words words = words_of(
		p->arena, postfix_holds(p->reading, service->id, "receive_override_options"));

	if (!plan_is_filtered(p, service->id) || words_have(&words, VIEW("no_address_mappings")))
		return 0;
	ARENA_PUSH(p->arena, words, VIEW("no_address_mappings"));
	return plan_option(
		p, service->id, "receive_override_options", &words,
		"copies for the archive are made before the filter, which may refuse the mail",
		err);
}

static int plan_way_in(struct planning *p, const struct postfix_service *service, struct err *err)
{
	if (plan_is_smtpd(service) &&
	    (plan_capture(p, service, err) < 0 || plan_check(p, service, err) < 0))
		return -1;
	return plan_mappings(p, service, err);
}

static int plan_way_back(struct planning *p, struct err *err)
{
	const char *own = postfix_written(p->reading, p->back, "smtpd_milters");
	struct words options = words_of(
		p->arena, postfix_holds(p->reading, p->back, "receive_override_options"));
	struct words words, left = {0};

	for (size_t i = 0; i < options.n; i++)
		if (!view_eq(options.v[i], VIEW("no_milters")))
			ARENA_PUSH(p->arena, left, options.v[i]);
	if (left.n < options.n) {
		/* nobody but the binder works here, as before */
		own = "";
		if (plan_option(p, p->back, "receive_override_options", &left,
				"the binder does not run: the token reaches people", err) < 0)
			return -1;
	}
	if (own == NULL)
		own = nameable(p, postfix_value(p->reading, "smtpd_milters"));
	words = one_before(p, "$sealpost_binder", own);
	return plan_option(p, p->back, "smtpd_milters", &words,
			   "the binder does not run: the token reaches people", err);
}

static int plan_services(struct planning *p, struct err *err)
{
	for (size_t i = 0; i < p->reading->services.n; i++) {
		const struct postfix_service *service = &p->reading->services.v[i];

		if (!plan_takes_mail(service))
			continue;
		if (p->back != NULL && strcmp(service->id, p->back) == 0) {
			if (plan_way_back(p, err) < 0)
				return -1;
		} else if (plan_way_in(p, service, err) < 0) {
			return -1;
		}
	}
	return 0;
}

/* In a jail if Postfix's other clients are. */
static void plan_transport(struct planning *p)
{
	const struct postfix_service *smtp = postfix_find_service(p->reading, "smtp/unix");

	add(p, &(struct hook_edit){
		       "archive/unix", NULL,
		       arena_f(p->arena,
			       "archive unix - - %c - 5 lmtp -o lmtp_header_checks= "
			       "-o lmtp_line_length_limit=0 -o disable_mime_output_conversion=yes "
			       "-o lmtp_send_xforward_command=yes -o lmtp_data_done_timeout=120s",
			       smtp != NULL ? smtp->chroot : '-'),
		       "there is no way into the archive"});
}

static void find_captures(struct planning *p)
{
	for (size_t i = 0; i < p->reading->services.n; i++) {
		const struct postfix_service *service = &p->reading->services.v[i];

		if (!plan_takes_mail(service) ||
		    (p->back != NULL && strcmp(service->id, p->back) == 0))
			continue;
		if (plan_is_filtered(p, service->id))
			p->plan->captures_filtered = true;
		else
			p->plan->captures = true;
	}
	if (p->main_filtered)
		p->plan->captures_filtered = true;
	else
		p->plan->captures = true;
}

static const char *copies_of(struct planning *p)
{
	CLEAN_STR domain = STR_INIT;

	for (const char *c = p->wish->domain; *c != '\0'; c++)
		str_addf(&domain, *c == '.' ? "\\%c" : "%c", *c);
	return arena_f(
		p->arena,
		"# Written by \"sealpost postfix enable\": whom the archive's copies are for.\n"
		"if !/@(%s|copy\\.invalid)$/\n"
		"/^(.*)@([^@]*)$/  $1=$2@" COPY_DOMAIN "\n"
		"endif\n",
		domain.data);
}

int hook_plan_make(const struct postfix_reading *reading, const struct hook_plan_wish *wish,
		   struct arena *arena, struct hook_plan *plan_r, struct err *err)
{
	struct planning p = {.reading = reading, .wish = wish, .arena = arena, .plan = plan_r};

	*plan_r = (struct hook_plan){0};
	if (plan_find_ways(&p, err) < 0 || plan_refuse(&p, err) < 0)
		return -1;
	find_captures(&p);
	plan_own(&p);
	plan_milters(&p);
	plan_routing(&p);
	plan_queue(&p);
	if (plan_services(&p, err) < 0)
		return -1;
	plan_transport(&p);
	plan_r->copies = copies_of(&p);
	return 0;
}
