/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sasl.h - the first words of SASL mechanisms (RFC 4422): all that they need, but for the answer to a
 * refusal.
 */
#ifndef APP_INTAKE_FETCH_SASL_H
#define APP_INTAKE_FETCH_SASL_H

#include "base/str.h"

#include <stdint.h>

/* Base64 (RFC 4648) of: PLAIN (RFC 4616), */
void sasl_plain(struct view user, struct view password, struct str *out);
/* OAUTHBEARER (RFC 7628, section 3.1), to which a refusal's challenge is answered with SASL_OAUTHBEARER_END, */
void sasl_oauthbearer(struct view user, struct view token, struct view host, uint64_t port,
		      struct str *out);
/* XOAUTH2 (Google's and Microsoft's forerunner of it), answered with an empty line. */
void sasl_xoauth2(struct view user, struct view token, struct str *out);

#define SASL_OAUTHBEARER_END "AQ==" /* a single 0x01 */

#endif
