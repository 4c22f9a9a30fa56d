/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smb_wire.h - what storage/medium_smb.c and the program sealpost-smb say to each other, by base/ipc.h.
 *
 * One request, one answer, in order. The first request is SMB_CONNECT. Bodies: N a varint, T a text with its length
 * in front, the rest of a body as it is. Names are the medium's (storage/medium.h, (M1)). A handle is a number that
 * stands for one file that is being written, from SMB_CREATE or SMB_REOPEN until SMB_CLOSE.
 */
#ifndef STORAGE_SMB_WIRE_H
#define STORAGE_SMB_WIRE_H

enum {
	SMB_WRITE_BYTES = 1024 * 1024,    /* of one SMB_APPEND */
	SMB_READ_BYTES = 4 * 1024 * 1024, /* of one SMB_READ */
	SMB_HANDLES = 16,
};

/* request, its body, the body of SMB_DONE */
#define SMB_REQUESTS(X)                                                                            \
	X(CONNECT,                                                                                 \
	  "T host, N port, T share, T folder, N create, T user, T domain, T password, "            \
	  "N timeout_ms",                                                                          \
	  "")                                                                                      \
	X(CREATE, "T name", "N handle")                                                            \
	X(REOPEN, "T name", "N handle")                                                            \
	X(APPEND, "N handle, bytes", "")                                                           \
	X(SYNC, "N handle", "")                                                                    \
	X(CLOSE, "N handle", "")                                                                   \
	X(READ, "T name, N offset, N length", "bytes")                                             \
	X(SIZE, "T name", "N bytes")                                                               \
	X(MODIFIED, "T name", "N seconds since 1970")                                              \
	X(LIST, "T folder", "for each file: T name, N bytes")                                      \
	X(REMOVE, "T name", "")                                                                    \
	X(REPLACE, "T made, T name", "")                                                           \
	X(CUT, "T name, N bytes", "")                                                              \
	X(SPACE, "", "N free bytes, N bytes in all")

enum smb_message {
#define X(request, body, done) SMB_##request,
	SMB_REQUESTS(X)
#undef X
		SMB_N_REQUESTS,
	/* answers */
	SMB_DONE,
	SMB_FAILED, /* N error kind, N errno, the text */
};

#endif
