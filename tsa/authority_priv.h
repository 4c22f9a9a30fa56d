/* SPDX-License-Identifier: GPL-3.0-or-later */
/* authority_priv.h - what is so unless it is set otherwise. */
#ifndef TSA_AUTHORITY_PRIV_H
#define TSA_AUTHORITY_PRIV_H

#include "tsa/authority.h"

enum { AUTHORITY_TOLERANCE_S = 300, AUTHORITY_RENEW_DAYS = 90 };

#endif
