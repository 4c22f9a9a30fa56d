/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan_priv.h - a plan while it is made. */
#ifndef APP_POSTFIX_PLAN_PRIV_H
#define APP_POSTFIX_PLAN_PRIV_H

#include "app/postfix/plan.h"

struct planning {
	const struct postfix_reading *reading;
	const struct hook_plan_wish *wish;
	struct arena *arena;
	struct hook_plan *plan;
	const char *back;    /* the service on the way back from the filter; NULL: no filter */
	bool main_filtered;  /* main.cf's own smtpd_milters are for mail that a filter will see */
	bool other_filtered; /* mail of this machine's programs goes to the filter */
};

/* What stands in the way; ERR_UNSUPPORTED. */
int plan_refuse(const struct planning *p, struct err *err);
/* Find out which way mail goes: fills in the fields behind PLAN. */
int plan_find_ways(struct planning *p, struct err *err);
/* Is this service one where mail comes in from outside the queue, and is it a server of SMTP? */
bool plan_takes_mail(const struct postfix_service *service);
bool plan_is_smtpd(const struct postfix_service *service);
bool plan_is_filtered(const struct planning *p, const char *service);

#endif
