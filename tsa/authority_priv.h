/* SPDX-License-Identifier: GPL-3.0-or-later */
/* authority_priv.h - does it all fit together? */
#ifndef TSA_AUTHORITY_PRIV_H
#define TSA_AUTHORITY_PRIV_H

#include "tsa/authority.h"

enum { AUTHORITY_TOLERANCE_S = 300, AUTHORITY_RENEW_DAYS = 90 };

/* ERR_SYNTAX in words. */
int authority_check(const struct authority *authority, struct err *err);

#endif
