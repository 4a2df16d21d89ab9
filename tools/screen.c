/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people read: tables and expanded records. A table keeps its first rows to find the columns' widths and
 * goes on with these; on a terminal it is cut to fit, and one with more columns than fit is shown expanded,
 * where long values are wrapped.
 */
#include "tools.h"

#define ROWS_KEPT 1000
#define NARROWEST 4
#define GAP 2

struct cell {
	const char *text;
	uint32_t size;
	uint32_t width;
	bool null;
};

/* The rows that wait for the widths. */
struct screen {
	struct cell *header;
	struct cell *rows[ROWS_KEPT];
	size_t nrows;
	size_t *widths;
	bool settled;
};

static bool is_number(struct consort_type type)
{
	return type.id == CONSORT_TYPE_INT64 || type.id == CONSORT_TYPE_FLOAT64 ||
	       type.id == CONSORT_TYPE_DECIMAL;
}

static bool make_cell(struct output *o, struct cell *cell, const struct consort_value *value)
{
	struct consort_buffer shown = CONSORT_BUFFER_INIT;

	cell->null = consort_value_is_null(value) && !o->list;
	consort_buffer_reset(&o->cell);
	if (cell->null)
		consort_buffer_text(&o->cell, "NULL");
	else if (!consort_value_is_null(value))
		consort_value_print(value, &o->cell);
	consort_buffer_append(&o->cell, "", 0);
	if (o->cell.failed)
		return false;
	cell->width = (uint32_t)text_escape(&shown, o->cell.data, o->cell.size, false);
	cell->size = (uint32_t)shown.size;
	cell->text = shown.failed ? NULL : consort_arena_copy(&o->arena, shown.data, shown.size);
	consort_buffer_clear(&shown);
	return cell->text != NULL;
}

static struct cell *make_cells(struct output *o, const struct consort_value *values)
{
	struct cell *cells = consort_arena_array(&o->arena, o->ncolumns, sizeof(*cells));
	uint32_t i;

	for (i = 0; cells && i < o->ncolumns; i++) {
		struct consort_value name = consort_text(o->columns[i].name);

		if (!make_cell(o, &cells[i], values ? &values[i] : &name))
			return NULL;
	}
	return cells;
}

/* The cell's text, cut to width if that is not 0; returns what it takes. */
static size_t put_cell(struct output *o, const struct cell *cell, size_t width)
{
	size_t part = cell->size, used = cell->width;
	bool cut = width && cell->width > width;

	if (cell->null && o->colour)
		consort_buffer_text(&o->text, "\033[2m");
	if (cut)
		part = text_fit(cell->text, cell->size, width - 1, &used);
	consort_buffer_append(&o->text, cell->text, part);
	if (cut)
		consort_buffer_text(&o->text, o->utf8 ? "…" : ">");
	if (cell->null && o->colour)
		consort_buffer_text(&o->text, "\033[0m");
	return used + (cut ? 1 : 0);
}

static void put_spaces(struct consort_buffer *out, size_t count)
{
	while (count--)
		consort_buffer_char(out, ' ');
}

static void put_row(struct output *o, const struct cell *cells, bool header)
{
	const struct screen *screen = o->screen;
	uint32_t i;

	if (header && o->colour)
		consort_buffer_text(&o->text, "\033[1m");
	for (i = 0; i < o->ncolumns; i++) {
		size_t width = screen->widths[i], need = cells[i].width < width ? cells[i].width : width;
		bool right = is_number(o->columns[i].type), last = i + 1 == o->ncolumns;

		if (right)
			put_spaces(&o->text, width - need);
		/* A number that is cut would be another number. */
		need = put_cell(o, &cells[i], o->width && !right ? width : 0);
		if (!right && !last && need < width)
			put_spaces(&o->text, width - need);
		if (!last)
			put_spaces(&o->text, GAP);
	}
	if (header && o->colour)
		consort_buffer_text(&o->text, "\033[0m");
	text_end_line(&o->text);
}

/* The width of all with columns of text at most `cap` wide. */
static size_t capped_width(const struct output *o, size_t cap)
{
	size_t sum = o->ncolumns ? (o->ncolumns - 1) * (size_t)GAP : 0;
	uint32_t i;

	for (i = 0; i < o->ncolumns; i++)
		sum += is_number(o->columns[i].type) || o->screen->widths[i] < cap ? o->screen->widths[i]
										   : cap;
	return sum;
}

/* Cuts the widest columns of text down so that all fit; false if that would leave too little of them. */
static bool shrink(const struct output *o)
{
	size_t *widths = o->screen->widths, cap = 0;
	uint32_t i;

	if (!o->width)
		return true;
	for (i = 0; i < o->ncolumns; i++)
		if (widths[i] > cap)
			cap = widths[i];
	if (cap > o->width)
		cap = o->width;
	while (cap > NARROWEST && capped_width(o, cap) > o->width)
		cap--;
	if (capped_width(o, cap) > o->width)
		return false;
	for (i = 0; i < o->ncolumns; i++)
		if (widths[i] > cap && !is_number(o->columns[i].type))
			widths[i] = cap;
	return true;
}

static void put_rule(struct output *o)
{
	uint32_t i;
	size_t j;

	for (i = 0; i < o->ncolumns; i++) {
		for (j = 0; j < o->screen->widths[i]; j++)
			consort_buffer_text(&o->text, o->utf8 ? "─" : "-");
		if (i + 1 < o->ncolumns)
			put_spaces(&o->text, GAP);
	}
	consort_buffer_char(&o->text, '\n');
}

static void put_record(struct output *o, const struct cell *cells, uint64_t number);

/* Finds the widths and brings out what waited. */
static void settle(struct output *o)
{
	struct screen *screen = o->screen;
	size_t row;
	uint32_t i;

	screen->settled = true;
	for (i = 0; i < o->ncolumns; i++) {
		screen->widths[i] = screen->header[i].width;
		for (row = 0; row < screen->nrows; row++)
			if (screen->rows[row][i].width > screen->widths[i])
				screen->widths[i] = screen->rows[row][i].width;
	}
	if (!shrink(o)) {
		o->ops = &output_expanded;
		for (row = 0; row < screen->nrows; row++)
			put_record(o, screen->rows[row], row + 1);
		return;
	}
	put_row(o, screen->header, true);
	put_rule(o);
	for (row = 0; row < screen->nrows; row++)
		put_row(o, screen->rows[row], false);
}

static void screen_begin(struct output *o)
{
	struct screen *screen = consort_arena_alloc(&o->arena, sizeof(*screen));

	if (screen) {
		screen->header = make_cells(o, NULL);
		screen->widths = consort_arena_array(&o->arena, o->ncolumns, sizeof(*screen->widths));
	}
	if (screen && screen->header && screen->widths)
		o->screen = screen;
}

/* Cells of rows that need not wait: made and forgotten. */
static enum consort_status put_at_once(struct output *o, const struct consort_value *values, bool expanded)
{
	struct consort_arena keep = o->arena;
	struct cell *cells;

	consort_arena_init(&o->arena, 0);
	cells = make_cells(o, values);
	if (cells && expanded)
		put_record(o, cells, o->rows + 1);
	else if (cells)
		put_row(o, cells, false);
	consort_arena_clear(&o->arena);
	o->arena = keep;
	return cells ? CONSORT_OK : CONSORT_ENOMEM;
}

static enum consort_status table_row(struct output *o, const struct consort_value *values)
{
	struct screen *screen = o->screen;

	if (!screen)
		return CONSORT_ENOMEM;
	if (screen->settled)
		return put_at_once(o, values, false);
	screen->rows[screen->nrows] = make_cells(o, values);
	if (!screen->rows[screen->nrows])
		return CONSORT_ENOMEM;
	if (++screen->nrows == ROWS_KEPT)
		settle(o);
	return CONSORT_OK;
}

static enum consort_status table_end(struct output *o)
{
	if (!o->screen)
		return CONSORT_ENOMEM;
	if (!o->screen->settled)
		settle(o);
	return CONSORT_OK;
}

const struct output_ops output_table = {.begin = screen_begin, .row = table_row, .end = table_end};

/* --- expanded: a line a value --- */

static void put_record(struct output *o, const struct cell *cells, uint64_t number)
{
	size_t names = 0;
	uint32_t i;

	for (i = 0; i < o->ncolumns; i++)
		if (o->screen->header[i].width > names)
			names = o->screen->header[i].width;
	consort_buffer_printf(&o->text, o->utf8 ? "── %llu ──\n" : "-- %llu --\n",
			      (unsigned long long)number);
	for (i = 0; i < o->ncolumns; i++) {
		put_cell(o, &o->screen->header[i], 0);
		put_spaces(&o->text, names - o->screen->header[i].width + GAP);
		if (o->width && !cells[i].null)
			text_wrap(&o->text, cells[i].text, cells[i].size, names + GAP, o->width);
		else
			put_cell(o, &cells[i], 0);
		text_end_line(&o->text);
	}
}

static enum consort_status expanded_row(struct output *o, const struct consort_value *values)
{
	return o->screen ? put_at_once(o, values, true) : CONSORT_ENOMEM;
}

static enum consort_status expanded_end(struct output *o)
{
	return o->screen ? CONSORT_OK : CONSORT_ENOMEM;
}

const struct output_ops output_expanded = {.begin = screen_begin, .row = expanded_row, .end = expanded_end};
