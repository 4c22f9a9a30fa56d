// SPDX-License-Identifier: GPL-3.0-or-later
// The names of openapi.yaml's schemas, for everybody who does not call the server himself.
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type Appearance = Schemas["Appearance"];
export type ApiToken = Schemas["ApiToken"];
export type DeletionRequest = Schemas["DeletionRequest"];
export type Integrity = Schemas["Integrity"];
export type Mail = Schemas["Mail"];
export type MailRow = Schemas["MailRow"];
export type Mailbox = Schemas["Mailbox"];
export type Mark = Schemas["Mark"];
export type Me = Schemas["Me"];
export type Part = Schemas["Part"];
export type ProblemBody = Schemas["Problem"];
export type Right = Schemas["Right"];
export type Role = Schemas["Role"];
export type SavedSearch = Schemas["SavedSearch"];
export type Session = Schemas["Session"];
export type SessionRow = Schemas["SessionRow"];
export type Task = Schemas["Task"];
export type TaskKind = Schemas["TaskKind"];
export type TaskOrder = Schemas["TaskOrder"];
export type TokenScope = Schemas["TokenScope"];
export type Way = Schemas["Way"];
export type Word = Schemas["Word"];

export type Person = NonNullable<Session["person"]>;
export type AuditLine = Schemas["AuditLine"];
export type Bounds = Schemas["Bounds"];
export type Group = Schemas["Group"];
export type Hold = Schemas["Hold"];
export type Job = Schemas["Job"];
export type JobRun = Schemas["JobRun"];
export type PeopleSource = Schemas["PeopleSource"];
export type PersonRow = Schemas["Person"];
export type PersonOrder = Schemas["PersonOrder"];
export type Licence = Schemas["Licence"];
export type Policy = Schemas["Policy"];
export type Statistics = Schemas["Statistics"];
export type Backup = Schemas["Backup"];
export type Intake = Schemas["Intake"];
export type Medium = Schemas["Medium"];
export type MediumOrder = Schemas["MediumOrder"];
export type Setup = Schemas["Setup"];
export type Timestamps = Schemas["Timestamps"];
export type TimestampsOrder = Schemas["TimestampsOrder"];
export type FetchAccount = Schemas["FetchAccount"];
