/* SPDX-License-Identifier: Apache-2.0 */
/* Telling a program which pointer it left out. */
#include "base/base.h"

/* names: what the macro was given, as text; a pointer's name is the first lower-case word of its item. */
enum consort_status consort_need_failed(struct consort_error *error, const char *function, const char *names,
					size_t index)
{
	for (; index; index--)
		names += strcspn(names, ",") + 1;
	names += strspn(names, " CONSORT_GIVEN(");
	return consort_error_set(error, CONSORT_EINVAL, "%s: %.*s must not be NULL", function,
				 (int)strcspn(names, " ,)"), names);
}
