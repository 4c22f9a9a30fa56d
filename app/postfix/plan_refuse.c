/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a plan cannot be made for, and on which ways mail goes through this Postfix. */
#include "app/postfix/plan_priv.h"

#include "app/postfix/words.h"

bool plan_is_smtpd(const struct postfix_service *service)
{
	return strcmp(service->program, "smtpd") == 0;
}

bool plan_takes_mail(const struct postfix_service *service)
{
	return plan_is_smtpd(service) || strcmp(service->program, "pickup") == 0 ||
	       strcmp(service->program, "qmqpd") == 0;
}

bool plan_is_filtered(const struct planning *p, const char *service)
{
	return postfix_holds(p->reading, service, "content_filter")[0] != '\0';
}

/* --- the ways --- */

static bool is_on_loopback(const struct postfix_service *service)
{
	static const char *const names[] = {"127.", "localhost:", "[::1]:", "::1:"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strncmp(service->address, names[i], strlen(names[i])) == 0)
			return true;
	return strcmp(service->type, "unix") == 0;
}

static int check_back(const struct planning *p, const char *id, struct err *err)
{
	const struct postfix_service *service = postfix_find_service(p->reading, id);

	if (service == NULL || !plan_is_smtpd(service))
		return err_set(
			err, ERR_UNSUPPORTED,
			"master.cf has no service %s that is an smtpd; --back names the one "
			"by which mail comes back from the filter, as \"postconf -M\" writes "
			"it: ADDRESS/TYPE",
			id);
	if (plan_is_filtered(p, id))
		return err_set(err, ERR_UNSUPPORTED,
			       "the service %s hands its mail to a filter itself, so it is not the "
			       "way back from one",
			       id);
	return 0;
}

/* An smtpd for this machine alone that no filter stands behind, while one stands behind another. */
static int find_back(struct planning *p, struct err *err)
{
	size_t n = 0;

	if (p->wish->back != NULL) {
		p->back = p->wish->back;
		return check_back(p, p->back, err);
	}
	for (size_t i = 0; i < p->reading->services.n; i++) {
		const struct postfix_service *service = &p->reading->services.v[i];

		if (!plan_is_smtpd(service) || !is_on_loopback(service) ||
		    plan_is_filtered(p, service->id))
			continue;
		p->back = service->id;
		n++;
	}
	if (n == 1)
		return 0;
	return err_set(err, ERR_UNSUPPORTED,
		       n == 0 ? "mail goes to a content_filter, but no smtpd in master.cf is seen "
				"to take it back; only filters that hand mail back by SMTP can be "
				"hooked. --back names the service, as ADDRESS/TYPE"
			      : "more than one smtpd in master.cf may be the way back from the "
				"content_filter; --back names the right one, as ADDRESS/TYPE");
}

/* The filter is reached by a transport that speaks SMTP or LMTP: "smtp-amavis:[127.0.0.1]:10024". */
static int check_filter(const struct planning *p, const char *filter, struct err *err)
{
	const char *colon = strchr(filter, ':');
	const char *name = colon != NULL ? arena_strn(p->arena, filter, (size_t)(colon - filter))
					 : filter;
	const struct postfix_service *transport = postfix_find_service(
		p->reading, arena_f(p->arena, "%s/unix", name));

	if (transport == NULL)
		return err_set(err, ERR_UNSUPPORTED,
			       "content_filter names the transport %s, which master.cf does not "
			       "have",
			       name);
	if (strcmp(transport->program, "smtp") == 0 || strcmp(transport->program, "lmtp") == 0)
		return 0;
	return err_set(err, ERR_UNSUPPORTED,
		       "the content_filter %s is run by %s; only filters to which Postfix speaks "
		       "SMTP, and which hand mail back by SMTP, can be hooked",
		       name, transport->program);
}

static int find_filters(struct planning *p, bool *any_r, struct err *err)
{
	*any_r = false;
	for (size_t i = 0; i < p->reading->services.n; i++) {
		const struct postfix_service *service = &p->reading->services.v[i];

		if (!plan_takes_mail(service) || !plan_is_filtered(p, service->id))
			continue;
		*any_r = true;
		if (check_filter(p, postfix_holds(p->reading, service->id, "content_filter"), err) <
		    0)
			return -1;
	}
	return 0;
}

/* cleanup has one list of milters for pickup and qmqpd. */
static int find_other(struct planning *p, struct err *err)
{
	int filtered = -1;

	for (size_t i = 0; i < p->reading->services.n; i++) {
		const struct postfix_service *service = &p->reading->services.v[i];
		int now;

		if (!plan_takes_mail(service) || plan_is_smtpd(service))
			continue;
		now = plan_is_filtered(p, service->id);
		if (filtered >= 0 && filtered != now)
			return err_set(err, ERR_UNSUPPORTED,
				       "of pickup and qmqpd, one hands its mail to a filter, and "
				       "one does not; let both do the same");
		filtered = now;
	}
	p->other_filtered = filtered > 0;
	return 0;
}

int plan_find_ways(struct planning *p, struct err *err)
{
	bool any;

	if (find_filters(p, &any, err) < 0 || find_other(p, err) < 0)
		return -1;
	p->main_filtered = postfix_means(p->reading, "content_filter")[0] != '\0';
	return any ? find_back(p, err) : 0;
}

/* --- what cannot be --- */

/* A parameter that must be empty wherever mail comes in. */
static const struct {
	const char *name, *why;
} forbidden[] = {
	{"smtpd_proxy_filter", "a proxy before the queue hides the mail from milters"},
	{"smtpd_milter_maps", "it takes the capture away from some clients"},
};

static int refuse_forbidden(const struct planning *p, const struct postfix_service *service,
			    struct err *err)
{
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++)
		if (postfix_holds(p->reading, service->id, forbidden[i].name)[0] != '\0')
			return err_set(
				err, ERR_UNSUPPORTED,
				"%s is set for the service %s: %s. Such a mail server cannot "
				"be hooked",
				forbidden[i].name, service->id, forbidden[i].why);
	return 0;
}

static int refuse_way_in(const struct planning *p, const struct postfix_service *service,
			 struct err *err)
{
	const struct words options = words_of(
		p->arena, postfix_holds(p->reading, service->id, "receive_override_options"));
	const bool is_back = p->back != NULL && strcmp(p->back, service->id) == 0;

	if (words_have(&options, VIEW("no_milters")) && !is_back)
		return err_set(err, ERR_UNSUPPORTED,
			       "the service %s has no_milters in receive_override_options: its "
			       "mail would not be captured. Take it out, or, if mail comes back "
			       "there from a filter, name it with --back",
			       service->id);
	if (words_have(&options, VIEW("no_address_mappings")) && !plan_is_filtered(p, service->id))
		return err_set(
			err, ERR_UNSUPPORTED,
			"the service %s has no_address_mappings in receive_override_options, "
			"and no filter follows: no copy for the archive would be made there. "
			"Aliases are to be looked up here, behind the filter",
			service->id);
	return refuse_forbidden(p, service, err);
}

/* Options of single services that would take the archive's part away. smtpd's own lists are dealt with one by one. */
static int refuse_option(const struct planning *p, const struct postfix_setting *setting,
			 struct err *err)
{
	static const char *const names[] = {"recipient_bcc_maps", "non_smtpd_milters",
					    "transport_maps", "enable_long_queue_ids",
					    "queue_directory"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(setting->name, names[i]) == 0)
			return err_set(err, ERR_UNSUPPORTED,
				       "the service %s in master.cf has an own %s, which would go "
				       "past the archive. Set it in main.cf instead",
				       setting->service, setting->name);
	(void)p;
	return 0;
}

/* Made by hand, after package/postfix: two hooks would archive the same mail twice. */
static bool is_by_hand(const struct postfix_setting *setting)
{
	return strstr(setting->means, "unix:archive/capture.sock") != NULL ||
	       strstr(setting->means, COPY_DOMAIN) != NULL;
}

static int refuse_settings(const struct planning *p, struct err *err)
{
	for (size_t i = 0; i < p->reading->settings.n; i++) {
		const struct postfix_setting *setting = &p->reading->settings.v[i];

		if (setting->is_set && is_by_hand(setting))
			return err_set(
				err, ERR_UNSUPPORTED,
				"this Postfix was hooked by hand: %s names the archive. Take "
				"those settings out first (package/postfix/README.md lists "
				"them)",
				setting->name);
		if (setting->service != NULL && refuse_option(p, setting, err) < 0)
			return -1;
	}
	return 0;
}

static int refuse_domain(const struct planning *p, struct err *err)
{
	static const char *const names[] = {"mydestination", "virtual_alias_domains",
					    "virtual_mailbox_domains"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct words domains = words_of(p->arena,
						      postfix_means(p->reading, names[i]));

		if (words_have(&domains, VIEW(p->wish->domain)))
			return err_set(err, ERR_UNSUPPORTED,
				       "%s has the domain %s: its mail is delivered to people. The "
				       "archive needs a domain of its own; name it with --domain",
				       names[i], p->wish->domain);
	}
	return 0;
}

int plan_refuse(const struct planning *p, struct err *err)
{
	if (refuse_settings(p, err) < 0 || refuse_domain(p, err) < 0)
		return -1;
	for (size_t i = 0; i < p->reading->services.n; i++) {
		const struct postfix_service *service = &p->reading->services.v[i];

		if (plan_takes_mail(service) && refuse_way_in(p, service, err) < 0)
			return -1;
		if (strcmp(service->id, "archive/unix") == 0)
			return err_set(err, ERR_UNSUPPORTED,
				       "master.cf has a service of the name archive already, which "
				       "is not Sealpost's; give it another name");
	}
	if (postfix_means(p->reading, "recipient_bcc_maps")[0] != '\0')
		return err_set(
			err, ERR_UNSUPPORTED,
			"recipient_bcc_maps is set: Postfix asks for one copy a recipient, "
			"and the archive needs it. Make yours aliases (virtual_alias_maps: a "
			"person's address, and behind it the same and the other one), and "
			"take recipient_bcc_maps out");
	return 0;
}
