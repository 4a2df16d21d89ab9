/* SPDX-License-Identifier: Apache-2.0 */
/* Predicates over parts of documents. Members are of one type where they are read as one; `m` is of any. */
#include "random.h"

#define PICK(seed, list) ((list)[world_below(seed, sizeof(list) / sizeof(*(list)))])

static const char *const comparisons[] = {
	"=", "<>", "<", "<=", ">", ">=", "is distinct from", "is not distinct from"};
static const char *const numbers[] = {"0", "1", "-1", "1.5", "2", "3", "9007199254740992", "1e300"};
static const char *const texts[] = {"'a'",    "'A'",	    "''",    "'12'", "'true'",
				    "'null'", "'\xc3\xa9'", "'1.5'", "'[1]'"};
static const char *const patterns[] = {"'%'", "'a%'", "'_'", "'1%'", "'%e'", "''", "'%1%'"};
static const char *const number_paths[] = {"doc.n", "doc -> 'n'", "doc.o.u.v", "doc.l[0]", "doc -> 'l' -> 1"};
static const char *const text_paths[] = {"doc.t",	"doc ->> 't'",	      "doc.o.t",
					 "doc ->> 'm'", "doc -> 'o' ->> 't'", "doc ->> 'n'"};
static const char *const paths[] = {"doc.n",	    "doc.t",	   "doc ->> 't'", "doc -> 'm'", "doc.o",
				    "doc.o.t",	    "doc.l[0]",	   "doc.l",	  "doc.b",	"doc.none",
				    "doc -> 'a.b'", "doc -> '$x'", "doc ->> 'm'"};

static void test(struct consort_buffer *out, uint64_t *seed)
{
	const char *not = world_below(seed, 3) ? "" : "not ";

	switch (world_below(seed, 8)) {
	case 0:
	case 1:
		consort_buffer_printf(out, "%s %s %s", PICK(seed, number_paths), PICK(seed, comparisons),
				      PICK(seed, numbers));
		break;
	case 2:
	case 3:
		consort_buffer_printf(out, "%s %s %s", PICK(seed, text_paths), PICK(seed, comparisons),
				      PICK(seed, texts));
		break;
	case 4:
		consort_buffer_printf(out, "%s %sin (%s, %s)", PICK(seed, text_paths), not, PICK(seed, texts),
				      world_below(seed, 6) ? PICK(seed, texts) : "null");
		break;
	case 5:
		consort_buffer_printf(out, "%s %sin (%s, %s)", PICK(seed, number_paths), not,
				      PICK(seed, numbers), PICK(seed, numbers));
		break;
	case 6:
		consort_buffer_printf(out, "%s %slike %s", PICK(seed, text_paths), not, PICK(seed, patterns));
		break;
	default:
		consort_buffer_printf(out, "%s is %snull", PICK(seed, paths), not );
	}
}

void random_path(struct consort_buffer *out, uint64_t *seed, unsigned depth)
{
	if (!depth || !world_below(seed, 4)) {
		test(out, seed);
		return;
	}
	consort_buffer_text(out, world_below(seed, 4) ? "(" : "not (");
	random_path(out, seed, depth - 1);
	consort_buffer_text(out, world_below(seed, 2) ? ") and (" : ") or (");
	random_path(out, seed, depth - 1);
	consort_buffer_char(out, ')');
}
