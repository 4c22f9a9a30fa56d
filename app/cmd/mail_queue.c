/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cmd/mail_queue.h"

#include "base/arena.h"

#include <json-c/json.h>
#include <stdio.h>
#include <sys/wait.h>

struct mail_queue {
	struct arena *arena;
	struct view *v; /* sorted */
	size_t n, cap;
};

static int compare(const void *a, const void *b)
{
	const struct view *left = a, *right = b;
	int order = memcmp(left->data, right->data,
			   left->len < right->len ? left->len : right->len);

	return order != 0 ? order : (left->len > right->len) - (left->len < right->len);
}

static int add_line(struct mail_queue *queue, const char *line, struct err *err)
{
	struct json_object *json = json_tokener_parse(line), *id;
	int rc = 0;

	if (json_object_object_get_ex(json, "queue_id", &id) &&
	    json_object_is_type(id, json_type_string))
		ARENA_PUSH(queue->arena, *queue,
			   arena_view(queue->arena, VIEW(json_object_get_string(id))));
	else
		rc = err_set(err, ERR_SYNTAX, "what it says is not understood");
	json_object_put(json);
	return rc;
}

static int read_lines(struct mail_queue *queue, FILE *f, struct err *err)
{
	char *line = NULL;
	size_t size = 0;
	int rc = 0;

	while (rc == 0 && getline(&line, &size, f) >= 0)
		rc = add_line(queue, line, err);
	free(line);
	return rc;
}

static int run(struct mail_queue *queue, const char *command, struct err *err)
{
	FILE *f = popen(command, "re"); // NOLINT(cert-env33-c): the administrator's own command
	int status, rc;

	if (f == NULL)
		return err_errno(err, "%s: %m", command);
	rc = read_lines(queue, f, err);
	status = pclose(f);
	if (rc == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		rc = err_set(err, ERR_OFFLINE, "it failed");
	return rc < 0 ? err_add(err, "%s", command) : 0;
}

int mail_queue_read(const char *command, struct mail_queue **queue_r, struct err *err)
{
	CLEAN(mail_queue) queue = mem_new(sizeof(*queue));

	queue->arena = arena_new();
	for (int i = 0; i < 2; i++)
		if (run(queue, command, err) < 0)
			return -1;
	if (queue->n > 0)
		qsort(queue->v, queue->n, sizeof(*queue->v), compare);
	*queue_r = TAKE(queue);
	return 0;
}

void mail_queue_free(struct mail_queue **queue)
{
	if (*queue == NULL)
		return;
	arena_free(&(*queue)->arena);
	free(*queue);
	*queue = NULL;
}

bool mail_queue_has(const struct mail_queue *queue, struct view queue_id)
{
	return queue->n > 0 &&
	       bsearch(&queue_id, queue->v, queue->n, sizeof(*queue->v), compare) != NULL;
}
