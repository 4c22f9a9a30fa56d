// SPDX-License-Identifier: GPL-3.0-or-later
export const en = {
	"title": "Log in",
	"text": "The mail archive",
	"name": "Name or mail address",
	"password": "Password",
	"enter": "Log in",
	"code": "One-time code",
	"code.text": "Enter the six digits that your authenticator app shows, or one of your recovery codes.",
	"code.enter": "Go on",
	"code.back": "Back to name and password",
	"wrong": "Name or password is wrong.",
	"wrong.code": "This code is wrong, or was used already.",
	"slow": { one: "Too many attempts. Try again in {n} second.", other: "Too many attempts. Try again in {n} seconds." },
	"slow.again": "Too many attempts. You can try again now.",
	"language": "Language",
} as const;
