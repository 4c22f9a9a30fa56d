/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/exporter.h"
#include "app/catalog/audit.h"
#include "app/task/result.h"
#include "app/task/work.h"
#include "base/clock.h"
#include "base/log.h"
#include "tsa/proof_folder.h"

#include <stdio.h>

struct exporting {
	struct work *w;
	struct result_writer *writer;
	struct exporter *exporter;
	const struct uuid *mail;
	uint64_t exported, unproved;
};

static int put(void *arg, struct view piece, struct err *err)
{
	struct exporting *ex = arg;

	return result_write(ex->writer, piece, err);
}

static int put_proof(void *arg, const char *name, struct view content, struct err *err)
{
	struct exporting *ex = arg;
	char id[UUID_TEXT + 1];
	char path[UUID_TEXT + 128];

	snprintf(path, sizeof(path), "%s/%s", uuid_text(ex->mail, id), name);
	return exporter_add_file(ex->exporter, path, content, err);
}

/* A mail that waits for its timestamp goes without. */
static int add_proof(struct exporting *ex, const struct mail_row *row, struct err *err)
{
	struct err why = {0};

	ex->mail = &row->id;
	if (proof_folder_make(ex->w->a, &row->id, put_proof, ex, &why) == 0)
		return 0;
	if (why.kind == ERR_BUSY) {
		ex->unproved++;
		return 0;
	}
	*err = why;
	return -1;
}

static int add_mail(struct work *w, void *arg, const struct mail_row *row, struct err *err)
{
	struct exporting *ex = arg;
	struct err why = {0};
	char id[UUID_TEXT + 1];
	int rc = exporter_add(ex->exporter, row, &why);

	if (rc < 0) {
		*err = why;
		return -1;
	}
	if (rc == 0) {
		log_warn("not exported mail=%s: %s", uuid_text(&row->id, id), why.text);
		w->failed++;
		return 0;
	}
	ex->exported++;
	return w->order.evidence ? add_proof(ex, row, err) : 0;
}

static int note(struct work *w, uint64_t exported, struct err *err)
{
	char count[32];

	snprintf(count, sizeof(count), "%llu", (unsigned long long)exported);
	return audit_add(archive_catalog(w->a), AUDIT_EXPORTED,
			 !w->order.all             ? VIEW("chosen mails")
			 : w->order.query.len == 0 ? VIEW("all mails")
						   : w->order.query,
			 VIEW(count), err);
}

static void tell(struct exporting *ex)
{
	struct work *w = ex->w;

	str_addf(&w->text, "%llu mail%s exported", (unsigned long long)ex->exported,
		 ex->exported == 1 ? "" : "s");
	if (w->failed > 0)
		str_addf(&w->text, "; %llu left out, since they cannot be read now",
			 (unsigned long long)w->failed);
	if (ex->unproved > 0)
		str_addf(&w->text, "; %llu wait for their timestamp and are without proof",
			 (unsigned long long)ex->unproved);
	w->result.name = VIEW(w->order.format == EXPORT_ZIP ? "mails.zip" : "mails.mbox");
	w->result.type = VIEW(w->order.format == EXPORT_ZIP ? "application/zip"
							    : "application/mbox");
	w->result.until_s = clock_s() + TASK_RESULT_S;
}

int work_export(struct work *w, struct err *err)
{
	CLEAN(result_writer) writer = NULL;
	CLEAN(exporter) exporter = NULL;
	struct exporting ex = {.w = w};

	if (result_create(archive_dir(w->a), &w->row.task, &writer, err) < 0)
		return -1;
	ex.writer = writer;
	exporter = ex.exporter = exporter_new(w->a, w->order.format, put, &ex);
	if (work_each(w, add_mail, &ex, err) < 0 || exporter_end(exporter, err) < 0 ||
	    note(w, ex.exported, err) < 0 || result_end(writer, &w->result.size, &w->key, err) < 0)
		return -1;
	tell(&ex);
	return 0;
}
