/* SPDX-License-Identifier: GPL-3.0-or-later */
/* route.h - every route of the API, in one table.
 *
 * ROUTES has a row for each operation of openapi.yaml, and a test holds the two against each other: method, path, the function
 * that answers (api_NAME; NAME is the operationId), the right that is needed, what the body is, and flags.
 *
 * A new route is a row here, an operation in openapi.yaml, and a function in the api_*.c of its subject, which reads what came
 * with request.h and answers with reply.h. It is quick (100 ms at most): what may be slow goes through reply_later(), or is a task.
 */
#ifndef UI_BACKEND_ROUTE_H
#define UI_BACKEND_ROUTE_H

#include "ui-backend/uri.h"

/* none: anybody. SESSION: who is logged in, and a token of his that was made for anything. The rest: app/access/rights.h.
 *
 * NOTHING: a body is refused. JSON: an object, in request->body. STREAM: the function is called when the head is there, and takes the
 * body piece by piece (request_take_body()).
 *
 * BARE: also while there is no archive yet (request->archive is NULL then).
 * PASSING: also for who has yet to set up his one-time codes, and may do nothing else before.
 * COOKIE: in a session only: an API token does not get at its person's password, codes and other tokens.
 * SLOW: an upload's time limit.
 * LICENSED: not while a licence is asked for and does not cover it (app/licence/licence.h, LI2). */
/* clang-format off */
#define ROUTES(X)                                                                                  \
	/* who is there */                                                                         \
	X(GET,    "/session",                        get_session,             none,      NOTHING, ROUTE_BARE | ROUTE_PASSING) \
	X(POST,   "/session",                        log_in,                  none,      JSON,    ROUTE_PASSING) \
	X(DELETE, "/session",                        log_out,                 SESSION,   NOTHING, ROUTE_PASSING | ROUTE_COOKIE) \
	X(GET,    "/sessions",                       list_sessions,           SESSION,   NOTHING, ROUTE_COOKIE) \
	X(DELETE, "/sessions",                       log_out_everywhere,      SESSION,   NOTHING, ROUTE_PASSING | ROUTE_COOKIE) \
	X(GET,    "/me",                             get_me,                  SESSION,   NOTHING, ROUTE_PASSING) \
	X(PATCH,  "/me",                             change_me,               SESSION,   JSON,    ROUTE_PASSING | ROUTE_COOKIE) \
	X(PUT,    "/me/password",                    change_my_password,      SESSION,   JSON,    ROUTE_COOKIE) \
	X(POST,   "/me/totp",                        begin_totp,              SESSION,   NOTHING, ROUTE_PASSING | ROUTE_COOKIE) \
	X(PUT,    "/me/totp",                        confirm_totp,            SESSION,   JSON,    ROUTE_PASSING | ROUTE_COOKIE) \
	X(DELETE, "/me/totp",                        drop_totp,               SESSION,   JSON,    ROUTE_COOKIE) \
	X(GET,    "/me/tokens",                      list_tokens,             SESSION,   NOTHING, ROUTE_COOKIE) \
	X(POST,   "/me/tokens",                      make_token,              SESSION,   JSON,    ROUTE_COOKIE) \
	X(DELETE, "/me/tokens/{token}",              revoke_token,            SESSION,   NOTHING, ROUTE_COOKIE) \
	/* finding mail */                                                                         \
	X(GET,    "/mails",                          search_mails,            SEARCH,    NOTHING, 0) \
	X(GET,    "/mails/count",                    count_mails,             SEARCH,    NOTHING, 0) \
	X(GET,    "/saved-searches",                 list_saved_searches,     SEARCH,    NOTHING, 0) \
	X(POST,   "/saved-searches",                 save_search,             SEARCH,    JSON,    0) \
	X(DELETE, "/saved-searches/{search}",        drop_saved_search,       SEARCH,    NOTHING, 0) \
	X(GET,    "/categories",                     list_categories,         NOTE,    NOTHING, 0) \
	X(GET,    "/sources",                        list_sources,            SEARCH,    NOTHING, 0) \
	X(GET,    "/complete",                       complete_address,        SEARCH,    NOTHING, 0) \
	/* one mail */                                                                             \
	X(GET,    "/mails/{id}",                     read_mail,               READ,      NOTHING, 0) \
	X(GET,    "/mails/{id}/original",            download_mail,           DOWNLOAD,  NOTHING, 0) \
	X(GET,    "/mails/{id}/source",              read_source,             READ,      NOTHING, 0) \
	X(GET,    "/mails/{id}/parts/{part}",        read_part,               DOWNLOAD,  NOTHING, 0) \
	X(POST,   "/mails/{id}/verify",              verify_mail,             READ,      NOTHING, 0) \
	X(GET,    "/mails/{id}/proof",               download_proof,          EVIDENCE, NOTHING, 0) \
	X(GET,    "/mails/{id}/thread",              read_thread,             READ,    NOTHING, 0) \
	X(PUT,    "/mails/{id}/note",                write_note,              NOTE,    JSON,    0) \
	/* deletion and hold */                                                                    \
	X(GET,    "/deletion-requests",              list_deletion_requests,  SESSION, NOTHING, 0) \
	X(POST,   "/deletion-requests",              request_deletion,        REQUEST, JSON,    0) \
	X(GET,    "/deletion-requests/{request}",    read_deletion_request,   SESSION, NOTHING, 0) \
	X(POST,   "/deletion-requests/{request}",    decide_deletion_request, DECIDE,  JSON,    0) \
	X(GET,    "/holds",                          list_holds,              HOLD,    NOTHING, 0) \
	X(POST,   "/holds",                          set_hold,                HOLD,    JSON,    0) \
	X(DELETE, "/holds/{hold}",                   lift_hold,               HOLD,    JSON,    0) \
	/* people */                                                                               \
	X(GET,    "/admin/people",                   list_people,             CONFIGURE, NOTHING, 0) \
	X(POST,   "/admin/people",                   add_person,              CONFIGURE, JSON,  0) \
	X(GET,    "/admin/people/{person}",          read_person,             CONFIGURE, NOTHING, 0) \
	X(PATCH,  "/admin/people/{person}",          change_person,           CONFIGURE, JSON,  0) \
	X(DELETE, "/admin/people/{person}",          remove_person,           CONFIGURE, JSON,  0) \
	X(POST,   "/admin/people/{person}/act",      act_on_person,           CONFIGURE, JSON,  0) \
	X(GET,    "/admin/groups",                   list_groups,             CONFIGURE, NOTHING, 0) \
	X(POST,   "/admin/groups",                   add_group,               CONFIGURE, JSON,  ROUTE_LICENSED) \
	X(PUT,    "/admin/groups/{group}",           change_group,            CONFIGURE, JSON,  ROUTE_LICENSED) \
	X(DELETE, "/admin/groups/{group}",           remove_group,            CONFIGURE, JSON,  0) \
	X(GET,    "/admin/domains",                  get_domains,             CONFIGURE, NOTHING, 0) \
	X(PUT,    "/admin/domains",                  set_domains,             CONFIGURE, JSON,  ROUTE_LICENSED) \
	X(GET,    "/admin/people-sources",           list_people_sources,     CONFIGURE, NOTHING, 0) \
	X(PUT,    "/admin/people-sources",           order_people_sources,    CONFIGURE, JSON,  ROUTE_LICENSED) \
	X(PUT,    "/admin/people-sources/{source}",  set_people_source,       CONFIGURE, JSON,  ROUTE_LICENSED) \
	X(POST,   "/admin/people-sources/{source}/test", test_people_source,  CONFIGURE, JSON,  0) \
	X(GET,    "/admin/policy",                   get_policy,              CONFIGURE, NOTHING, 0) \
	X(PATCH,  "/admin/policy",                   set_policy,              CONFIGURE, JSON,  ROUTE_LICENSED) \
	/* long work */                                                                            \
	X(GET,    "/tasks",                          list_tasks,              SESSION, NOTHING, 0) \
	X(POST,   "/tasks",                          start_task,              SESSION, JSON,    0) \
	X(GET,    "/tasks/{task}",                   read_task,               SESSION, NOTHING, 0) \
	X(DELETE, "/tasks/{task}",                   drop_task,               SESSION, NOTHING, 0) \
	X(GET,    "/tasks/{task}/result",            fetch_result,            SESSION, NOTHING, 0) \
	X(POST,   "/uploads",                        upload,                  UPLOAD,  STREAM,  ROUTE_SLOW) \
	/* the administrator's tabs */                                                             \
	X(GET,    "/setup",                          get_setup,               none, NOTHING, ROUTE_BARE) \
	X(POST,   "/setup",                          create_archive,          none, JSON, ROUTE_BARE) \
	X(POST,   "/setup/done",                     finish_setup,            CONFIGURE, NOTHING, 0) \
	X(POST,   "/setup/test-mail",                send_test_mail,          CONFIGURE, NOTHING, 0) \
	X(GET,    "/setup/test-mail/{id}",           find_test_mail,          CONFIGURE, NOTHING, 0) \
	X(GET,    "/admin/status",                   get_status,              CONFIGURE, NOTHING, 0) \
	X(GET,    "/admin/key",                      get_key_state,           CONFIGURE, NOTHING, 0) \
	X(POST,   "/admin/key/backup",               export_key,              CONFIGURE, JSON, 0) \
	X(POST,   "/admin/key/check",                check_key_backup,        CONFIGURE, JSON, 0) \
	X(GET,    "/admin/media",                    list_media,              CONFIGURE, NOTHING, 0) \
	X(POST,   "/admin/media",                    add_medium,              CONFIGURE, JSON, 0) \
	X(POST,   "/admin/media/test",               test_medium,             CONFIGURE, JSON, 0) \
	X(PATCH,  "/admin/media/{medium}",           change_medium,           CONFIGURE, JSON, 0) \
	X(DELETE, "/admin/media/{medium}",           remove_medium,           CONFIGURE, JSON, 0) \
	X(POST,   "/admin/media/{medium}/act",       act_on_medium,           CONFIGURE, JSON, 0) \
	X(GET,    "/admin/timestamps",               get_timestamps,          CONFIGURE, NOTHING, 0) \
	X(PUT,    "/admin/timestamps",               set_timestamps,          CONFIGURE, JSON, 0) \
	X(POST,   "/admin/timestamps/test",          test_timestamps,         CONFIGURE, JSON, 0) \
	X(GET,    "/admin/backup",                   get_backup,              CONFIGURE, NOTHING, 0) \
	X(PUT,    "/admin/backup",                   set_backup,              CONFIGURE, JSON, 0) \
	X(GET,    "/admin/fetch-accounts",           list_fetch_accounts,     CONFIGURE, NOTHING, 0) \
	X(POST,   "/admin/fetch-accounts",           add_fetch_account,       CONFIGURE, JSON, ROUTE_LICENSED) \
	X(PATCH,  "/admin/fetch-accounts/{account}", change_fetch_account,    CONFIGURE, JSON, 0) \
	X(DELETE, "/admin/fetch-accounts/{account}", remove_fetch_account,    CONFIGURE, JSON, 0) \
	X(POST,   "/admin/fetch-accounts/{account}/test", test_fetch_account, CONFIGURE, NOTHING, 0) \
	X(GET,    "/admin/intake",                   get_intake,              CONFIGURE, NOTHING, 0) \
	X(PUT,    "/admin/intake",                   set_intake,              CONFIGURE, JSON, 0) \
	X(GET,    "/admin/spool",                    list_spool,              CONFIGURE, NOTHING, 0) \
	X(POST,   "/admin/spool/act",                act_on_spool,            CONFIGURE, JSON, 0) \
	X(GET,    "/admin/jobs",                     list_jobs,               CONFIGURE, NOTHING, 0) \
	X(GET,    "/admin/jobs/{job}",               read_job,                CONFIGURE, NOTHING, 0) \
	X(POST,   "/admin/jobs/{job}",               act_on_job,              CONFIGURE, JSON, 0) \
	X(GET,    "/admin/statistics",               get_statistics,          CONFIGURE, NOTHING, 0) \
	X(GET,    "/admin/licence",                  get_licence,             CONFIGURE, NOTHING, 0) \
	X(PUT,    "/admin/licence",                  install_licence,         CONFIGURE, JSON, 0) \
	X(DELETE, "/admin/licence",                  remove_licence,          CONFIGURE, NOTHING, 0) \
	X(GET,    "/admin/appearance",               get_appearance,          CONFIGURE, NOTHING, 0) \
	X(PUT,    "/admin/appearance",               set_appearance,          CONFIGURE, JSON, ROUTE_LICENSED) \
	X(GET,    "/logo",                           get_logo,                none, NOTHING, 0) \
	X(GET,    "/audit",                          list_audit,              AUDIT_LOG, NOTHING, 0) \
	X(POST,   "/audit/verify",                   verify_audit,            AUDIT_LOG, NOTHING, 0) \
	X(GET,    "/procedure",                      get_procedure,           AUDIT_LOG, NOTHING, 0)
/* clang-format on */

enum api_method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE, METHODS };

#define ROUTE_NEEDS(X)                                                                             \
	X(none)                                                                                    \
	X(SESSION)                                                                                 \
	X(SEARCH)                                                                                  \
	X(READ)                                                                                    \
	X(DOWNLOAD)                                                                                \
	X(NOTE)                                                                                    \
	X(SEND)                                                                                    \
	X(EXPORT)                                                                                  \
	X(EVIDENCE)                                                                                \
	X(REQUEST)                                                                                 \
	X(DECIDE)                                                                                  \
	X(HOLD)                                                                                    \
	X(CONFIGURE)                                                                               \
	X(AUDIT_LOG)                                                                               \
	X(UPLOAD)
enum route_needs {
#define X(name) NEEDS_##name,
	ROUTE_NEEDS(X)
#undef X
};

enum route_body { BODY_NOTHING, BODY_JSON, BODY_STREAM };
enum { ROUTE_BARE = 1, ROUTE_PASSING = 2, ROUTE_SLOW = 4, ROUTE_COOKIE = 8, ROUTE_LICENSED = 16 };

struct api_request;
typedef int handler_fn(struct api_request *r, struct err *err);

struct route {
	enum api_method method;
	const char *path; /* below .../api/v1: "/mails/{id}" */
	const char *name; /* "read_mail" */
	handler_fn *handler;
	enum route_needs needs;
	enum route_body body;
	unsigned flags;
};

#define X(method, path, name, needs, body, flags) handler_fn api_##name;
ROUTES(X)
#undef X

extern const struct route routes[];
extern const size_t n_routes;

const char *method_text(enum api_method method);
int method_read(const char *text, enum api_method *method_r); /* -1: none of ours; HEAD is a GET */
const char *needs_text(enum route_needs needs);

/* Segments of a path that a route's {name} stands for. */
struct route_params {
	struct {
		const char *name; /* up to "}" */
		struct view value;
	} v[4];
	size_t n;
};

/* The route of METHOD and the path behind .../api/v1 (SEGMENTS): 1; 0 with NULL: there is no such path; 0 with a route: it has other methods. */
int route_find(enum api_method method, const struct view *segments, size_t n,
	       const struct route **route_r, struct route_params *params_r);
/* The methods of a path, "GET, PUT", as the field Allow has them. */
void route_methods(const struct view *segments, size_t n, struct str *out);

/* The table, a route a line: "GET /mails/{id} READ nothing read_mail"; for the test. */
void routes_table(struct str *out);

#endif
