/* SPDX-License-Identifier: Apache-2.0 */
/* Durations and sizes as the manifest and command lines write them. */
#include <consort/convert.h>

#include <string.h>

struct unit {
	const char *name;
	int64_t factor;
};

/* Digits and one of the units (terminated by NULL); a unit may be "". */
static int parse_with_unit(const char *text, const struct unit *units, int64_t *out)
{
	size_t digits = strspn(text, "0123456789");
	int64_t number = 0;
	size_t i;

	if (!digits)
		return 0;
	for (i = 0; i < digits; i++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, text[i] - '0', &number))
			return 0;
	for (; units->name; units++)
		if (!strcmp(text + digits, units->name))
			return !__builtin_mul_overflow(number, units->factor, out);
	return 0;
}

int consort_duration_parse(const char *text, int64_t *out_nanoseconds)
{
	static const int64_t second = 1000000000;
	static const struct unit units[] = {
		{"ms", second / 1000}, {"s", second}, {"m", 60 * second}, {"h", 3600 * second}, {"d", 86400 * second},
		{NULL, 0},
	};
	int64_t nanoseconds;

	if (!strcmp(text, "0"))
		nanoseconds = 0;
	else if (!parse_with_unit(text, units, &nanoseconds))
		return 0;
	*out_nanoseconds = nanoseconds;
	return 1;
}

int consort_size_parse(const char *text, int64_t *out_bytes)
{
	static const struct unit units[] = {
		{"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", (int64_t)1 << 40}, {NULL, 0},
	};
	int64_t bytes;

	if (!parse_with_unit(text, units, &bytes))
		return 0;
	*out_bytes = bytes;
	return 1;
}
