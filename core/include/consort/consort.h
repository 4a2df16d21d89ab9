/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_CONSORT_H
#define CONSORT_CONSORT_H

/*
 * Consort: many databases as one. This header includes the whole host API; each part also stands alone.
 *
 * Rules that hold everywhere:
 *  - Functions that can fail return enum consort_status (0 is success) and fill *error, which may be NULL.
 *    Out-parameters change only on success, unless said otherwise.
 *  - NULL for a pointer that a function needs is CONSORT_EINVAL, with the pointer's name; one that cannot fail gives
 *    0, NULL or an empty text. What may be NULL is said with the function.
 *  - Texts are UTF-8. Texts that go in are copied where they are kept.
 *  - _free and _close accept NULL. Children hold references, so the order of closing does not matter.
 *  - A struct consort made by consort_open is for all threads; what is derived from it (scope, transaction),
 *    queries, records and cursors belong to one thread at a time; plans and resources are immutable.
 *  - In the child of a fork every handle of the parent answers CONSORT_EFORKED; only _close and _free work.
 */

#include <consort/catalog.h>
#include <consort/cursor.h>
#include <consort/database.h>
#include <consort/error.h>
#include <consort/feature.h>
#include <consort/handle.h>
#include <consort/plugins.h>
#include <consort/query.h>
#include <consort/record.h>
#include <consort/transaction.h>
#include <consort/types.h>
#include <consort/writer.h>

#endif
