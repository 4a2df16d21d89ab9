/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_CSV_H
#define CONSORT_CSV_H

/*
 * Records of CSV as RFC 4180 has it, from lines that the caller reads. Blanks around a field belong to it; an empty
 * field without quotes is told apart from "". Over libcsv, with which whoever uses this links (-lcsv). Part of the
 * static SDK library.
 *
 * A record ends where a line ends, so a caller that counts lines can tell where each record stands.
 */

#include <consort/error.h>
#include <consort/types.h>

CONSORT_BEGIN

struct consort_csv;

/* quote '\0': there are none. NULL: no memory. One thread at a time. */
struct consort_csv *consort_csv_new(char delimiter, char quote);
void consort_csv_free(struct consort_csv *csv); /* NULL is legal */

/*
 * Takes the next line, with its line feed if it has one, which must live as long as the fields are used. *out_complete:
 * the record has ended; else it goes on in the next line, because a quote is open. Steady reading allocates nothing.
 * ESYNTAX, with the character in error->position, for quotes that do not match and carriage returns within a field
 * without quotes; the next line begins a new record then. ENOMEM.
 */
uint32_t consort_csv_line(struct consort_csv *csv, struct consort_view line, int *out_complete,
			  struct consort_error *error);
/* Gives up a record that goes on: the next line begins a new one. */
void consort_csv_restart(struct consort_csv *csv);
/* The fields of the record that has ended, until the next line is taken; data is NULL for an empty field without
 * quotes. Returns how many there are. */
uint32_t consort_csv_fields(const struct consort_csv *csv, const struct consort_view **out_fields);

/* What stands before a line's end: less one LF or CR LF. */
static inline uint64_t consort_csv_content(struct consort_view line)
{
	if (line.size && line.data[line.size - 1] == '\n')
		line.size--;
	if (line.size && line.data[line.size - 1] == '\r')
		line.size--;
	return line.size;
}

CONSORT_END

#endif
