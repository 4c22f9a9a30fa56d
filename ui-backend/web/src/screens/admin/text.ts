// SPDX-License-Identifier: GPL-3.0-or-later
import { catalogue } from "#/i18n/catalogue";
import { de } from "./de";
import { en } from "./en";

export const text = catalogue(en, de);
