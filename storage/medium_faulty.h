/* SPDX-License-Identifier: GPL-3.0-or-later */
/* medium_faulty.h - a medium for tests: wraps another one and fails as it is told.
 *
 * Calls are counted from 1 over all operations. A plan says which call fails and how.
 */
#ifndef STORAGE_MEDIUM_FAULTY_H
#define STORAGE_MEDIUM_FAULTY_H

#include "storage/medium.h"

enum fault {
	FAULT_NONE,
	FAULT_IO,      /* ERR_IO, nothing done */
	FAULT_OFFLINE, /* ERR_OFFLINE, nothing done */
	FAULT_NOSPACE, /* append: half of it is written, then ERR_NOSPACE; others: ERR_NOSPACE */
	FAULT_SHORT,   /* append: half of it is written, then ERR_IO; read: half of it is there */
	FAULT_WRONG_BYTES, /* read: one bit of the result is flipped */
	FAULT_DELAY,       /* 10 ms late, otherwise right */
	FAULT_KILL         /* append: half of it is written; any: then the process gets SIGKILL */
};

struct medium_faulty_plan {
	enum fault fault;
	uint64_t at_call;     /* 0: never by count */
	bool for_ever;        /* all calls from at_call on */
	unsigned per_million; /* besides: at random, this often */
	uint64_t seed;
};

/* Takes INNER over. The plan may be changed at any time; the count starts anew with each plan. */
struct medium *medium_faulty_new(struct medium *inner);
void medium_faulty_set(struct medium *faulty, const struct medium_faulty_plan *plan);
uint64_t medium_faulty_calls(const struct medium *faulty); /* since the plan was set */

#endif
