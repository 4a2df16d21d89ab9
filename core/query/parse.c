/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text to libpg_query's tree. The text becomes one clause of a statement, and the statement must then
 * consist of that clause alone. Before, its tokens are checked: the parser, and all that walk its tree,
 * recurse, so the depth of the tree is bounded by what the tokens can build at most. (Measured with
 * libpg_query 15 and protobuf-c 1.4: a level costs 1.9 KiB of stack, a CASE twice as much, so 512 KiB
 * overflow at 264 levels.)
 */
#include "query/text.h"

#include <pg_query.h>
#include <stdarg.h>
#include <stdio.h>

#define LARGEST_TEXT (64 * 1024)
#define DEEPEST 100	      /* levels of parentheses and operators */
#define LONGEST_IDENTIFIER 63 /* the parser cuts longer ones */
#define EXCERPT 80	      /* bytes of the text in a message, about */

/* The clauses: how a text becomes one. */
static const struct {
	const char *name;
	const char *prefix;
} clauses[] = {
	[CONSORT_CLAUSE_SELECT] = {"select", "SELECT "},
	[CONSORT_CLAUSE_WHERE] = {"where", "SELECT 1 WHERE "},
	[CONSORT_CLAUSE_GROUP] = {"group", "SELECT 1 GROUP BY "},
	[CONSORT_CLAUSE_HAVING] = {"having", "SELECT 1 WHERE "},
	[CONSORT_CLAUSE_ORDER] = {"order", "SELECT 1 ORDER BY "},
	[CONSORT_CLAUSE_ASSIGNMENTS] = {"assignments", "UPDATE t SET "},
};

const char *consort_text_clause(const struct consort_text *text)
{
	return clauses[text->clause].name;
}

/* --- errors --- */

static bool inside_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The part of the text around a byte, on one line. */
static void excerpt(const struct consort_text *text, int32_t at, char out[EXCERPT + 16])
{
	int32_t start = 0, end = text->size, i;
	char *o = out;

	if (text->size > EXCERPT) {
		start = at > EXCERPT / 2 ? at - EXCERPT / 2 : 0;
		if (start > text->size - EXCERPT)
			start = text->size - EXCERPT;
		end = start + EXCERPT;
		while (start > 0 && inside_character(text->text[start]))
			start++;
		while (end < text->size && inside_character(text->text[end]))
			end--;
	}
	if (start > 0)
		o = stpcpy(o, "…");
	for (i = start; i < end; i++)
		*o++ = (unsigned char)text->text[i] < ' ' ? ' ' : text->text[i];
	strcpy(o, end < text->size ? "…" : "");
}

enum consort_status consort_text_fail(const struct consort_text *text, int32_t at,
				      struct consort_error *error, enum consort_status status,
				      const char *sentence)
{
	char around[EXCERPT + 16];
	int32_t position = 1, i;

	if (at < 0)
		return consort_error_set(error, status, "%s", sentence);
	if (at > text->size)
		at = text->size;
	for (i = 0; i < at; i++)
		position += !inside_character(text->text[i]);
	excerpt(text, at, around);
	consort_error_set(error, status, "%s (at %d in \"%s\")", sentence, position, around);
	if (error)
		error->position = position;
	return status;
}

static enum consort_status CONSORT_PRINTF(4, 5) fail(const struct consort_text *text, int32_t at,
						     struct consort_error *error, const char *format, ...)
{
	char sentence[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	return consort_text_fail(text, at, error, CONSORT_ESYNTAX, sentence);
}

/* The parser's own error; its positions are characters from 1, 0 for none. It may quote half a character. */
static enum consort_status fail_as(const struct consort_text *text, const PgQueryError *parser,
				   int32_t prefix, struct consort_error *error)
{
	int32_t left = parser->cursorpos - prefix - 1, at = 0;
	uint64_t wrong;

	while (parser->message && !consort_utf8_valid(parser->message, strlen(parser->message), &wrong))
		parser->message[wrong] = '?';
	if (!parser->message || !strcmp(parser->message, "out of memory"))
		return consort_error_no_memory(error);
	if (parser->cursorpos <= 0)
		return consort_error_set(error, CONSORT_ESYNTAX, "%s: %s", consort_text_clause(text),
					 parser->message);
	for (; at < text->size && (left > 0 || inside_character(text->text[at])); at++)
		left -= !inside_character(text->text[at]);
	return fail(text, at, error, "%s", parser->message);
}

/* --- tokens --- */

static void *unpack_alloc(void *arena, size_t size)
{
	return consort_arena_alloc(arena, size);
}

static void unpack_free(void *arena, void *memory)
{
	(void)arena;
	(void)memory;
}

static enum consort_status scan(struct consort_text *text, struct consort_arena *arena,
				struct consort_error *error)
{
	ProtobufCAllocator allocator = {unpack_alloc, unpack_free, arena};
	PgQueryScanResult result = pg_query_scan(text->text);
	struct consort_token *tokens = NULL;
	PgQuery__ScanResult *found = NULL;
	enum consort_status status = CONSORT_OK;
	size_t i;

	if (result.error) {
		status = fail_as(text, result.error, 0, error);
		goto out;
	}
	found = pg_query__scan_result__unpack(&allocator, result.pbuf.len, (const uint8_t *)result.pbuf.data);
	if (found)
		tokens = consort_arena_array(arena, found->n_tokens, sizeof(*tokens));
	if (!tokens) {
		status = consort_error_no_memory(error);
		goto out;
	}
	for (i = 0; i < found->n_tokens; i++) {
		const PgQuery__ScanToken *token = found->tokens[i];

		if (token->token == PG_QUERY__TOKEN__SQL_COMMENT ||
		    token->token == PG_QUERY__TOKEN__C_COMMENT)
			continue;
		tokens[text->ntokens++] =
			(struct consort_token){token->start, token->end, (int32_t)token->token};
	}
	text->tokens = tokens;
out:
	pg_query_free_scan_result(result);
	return status;
}

/* Is token i a name whatever word it is, being behind a point or AS? */
static bool names(const struct consort_text *text, uint32_t i)
{
	return i && (text->tokens[i - 1].kind == '.' || text->tokens[i - 1].kind == PG_QUERY__TOKEN__AS);
}

/* Does FROM or FOR stand inside a call that SQL writes with it, like extract(year from x)? What is wrong with
 * that is told by its name. */
static bool inside_call(const struct consort_text *text, uint32_t i)
{
	uint32_t closed = 0;

	if (i && text->tokens[i - 1].kind == PG_QUERY__TOKEN__COLLATION)
		return true;
	for (; i > 0; i--) {
		if (text->tokens[i].kind == ')')
			closed++;
		else if (text->tokens[i].kind == '(' && !closed--)
			break;
	}
	if (!i)
		return false;
	switch (text->tokens[i - 1].kind) {
	case PG_QUERY__TOKEN__EXTRACT:
	case PG_QUERY__TOKEN__SUBSTRING:
	case PG_QUERY__TOKEN__OVERLAY:
	case PG_QUERY__TOKEN__TRIM:
		return true;
	default:
		return false;
	}
}

/* Words that begin what is no expression. FROM stands in IS DISTINCT FROM only. */
static bool foreign(const struct consort_text *text, uint32_t i)
{
	switch (text->tokens[i].kind) {
	case ';':
	case PG_QUERY__TOKEN__SELECT:
	case PG_QUERY__TOKEN__WHERE:
	case PG_QUERY__TOKEN__GROUP_P:
	case PG_QUERY__TOKEN__HAVING:
	case PG_QUERY__TOKEN__ORDER:
	case PG_QUERY__TOKEN__LIMIT:
	case PG_QUERY__TOKEN__OFFSET:
	case PG_QUERY__TOKEN__FETCH:
	case PG_QUERY__TOKEN__INTO:
	case PG_QUERY__TOKEN__UNION:
	case PG_QUERY__TOKEN__INTERSECT:
	case PG_QUERY__TOKEN__EXCEPT:
	case PG_QUERY__TOKEN__WINDOW:
	case PG_QUERY__TOKEN__RETURNING:
	case PG_QUERY__TOKEN__JOIN:
		return true;
	case PG_QUERY__TOKEN__FOR:
		return !inside_call(text, i);
	case PG_QUERY__TOKEN__FROM:
		return (!i || text->tokens[i - 1].kind != PG_QUERY__TOKEN__DISTINCT) && !inside_call(text, i);
	default:
		return false;
	}
}

static enum consort_status check_words(const struct consort_text *text, struct consort_error *error)
{
	uint32_t i;

	if (!text->ntokens)
		return consort_error_set(error, CONSORT_ESYNTAX, "the text of %s is empty",
					 consort_text_clause(text));
	for (i = 0; i < text->ntokens; i++) {
		const struct consort_token *token = &text->tokens[i];
		const char *word = text->text + token->start;
		int32_t size = token->end - token->start;

		if (token->kind == PG_QUERY__TOKEN__UIDENT)
			return fail(text, token->start, error,
				    "a name with U& is not understood: write it in plain quotes");
		if (token->kind == PG_QUERY__TOKEN__DISTINCT && text->clause == CONSORT_CLAUSE_SELECT && !i)
			return fail(text, token->start, error,
				    "select distinct is not understood: group by the columns");
		if (names(text, i) || !foreign(text, i))
			continue;
		if (token->kind == ';')
			return fail(text, token->start, error, "';' does not belong in an expression");
		if (token->kind == PG_QUERY__TOKEN__SELECT)
			return fail(text, token->start, error, "a sub-select is not understood here");
		return fail(text, token->start, error,
			    "'%.*s' does not belong in an expression; if it is a name, write \"%.*s\"", size,
			    word, size, word);
	}
	return CONSORT_OK;
}

/* What one pair of parentheses, brackets or CASE … END holds: an item is what stands between commas and the
 * like, and its tree is at most as deep as it has operators, on top of the deepest of its operands. */
struct level {
	int32_t close; /* the token that ends it */
	uint32_t operators;
	uint32_t operand; /* depth of the item's deepest operand */
	uint32_t deepest; /* of the items before */
};

static void end_item(struct level *level)
{
	if (level->operators + level->operand > level->deepest)
		level->deepest = level->operators + level->operand;
	level->operators = level->operand = 0;
}

static int32_t closer(int32_t kind)
{
	switch (kind) {
	case '(':
		return ')';
	case '[':
		return ']';
	case PG_QUERY__TOKEN__CASE:
		return PG_QUERY__TOKEN__END_P;
	default:
		return 0;
	}
}

static bool is_closer(int32_t kind)
{
	return kind == ')' || kind == ']' || kind == PG_QUERY__TOKEN__END_P;
}

static bool is_separator(int32_t kind)
{
	return kind == ',' || kind == PG_QUERY__TOKEN__AND || kind == PG_QUERY__TOKEN__OR ||
	       kind == PG_QUERY__TOKEN__WHEN || kind == PG_QUERY__TOKEN__THEN ||
	       kind == PG_QUERY__TOKEN__ELSE;
}

static bool is_operand(int32_t kind)
{
	return kind == PG_QUERY__TOKEN__IDENT || kind == PG_QUERY__TOKEN__ICONST ||
	       kind == PG_QUERY__TOKEN__FCONST || kind == PG_QUERY__TOKEN__SCONST ||
	       kind == PG_QUERY__TOKEN__PARAM || kind == '.';
}

static enum consort_status check_depth(const struct consort_text *text, struct consort_error *error)
{
	struct level levels[DEEPEST + 1] = {{0, 0, 0, 0}};
	struct level *level = levels;
	uint32_t depth, i;

	for (i = 0; i < text->ntokens; i++) {
		int32_t kind = text->tokens[i].kind, at = text->tokens[i].start;

		if (names(text, i) || is_operand(kind))
			continue;
		if (closer(kind)) {
			if (level - levels == DEEPEST)
				return fail(text, at, error, "nested deeper than %d levels", DEEPEST);
			*++level = (struct level){closer(kind), 0, 0, 0};
		} else if (is_closer(kind)) {
			if (level->close != kind)
				return fail(text, at, error, "'%.*s' closes nothing",
					    text->tokens[i].end - at, text->text + at);
			end_item(level);
			depth = level->deepest + (kind == PG_QUERY__TOKEN__END_P ? 2 : 1);
			level--;
			if (depth > level->operand)
				level->operand = depth;
		} else if (is_separator(kind)) {
			end_item(level);
		} else {
			level->operators++;
		}
		if (level->operators + level->operand > DEEPEST)
			return fail(text, at, error,
				    "nested deeper than %d levels of parentheses and operators", DEEPEST);
	}
	return CONSORT_OK;
}

/* --- parsing --- */

/*
 * The statement that the parser gets. Identifiers that it would cut are shortened in place (names are taken
 * from the text, never from the tree), so that every location stays as it is.
 */
static char *statement_of(const struct consort_text *text, struct consort_arena *arena)
{
	char *statement = consort_arena_printf(arena, "%s%s", clauses[text->clause].prefix, text->text);
	uint32_t i;

	for (i = 0; statement && i < text->ntokens; i++) {
		const struct consort_token *token = &text->tokens[i];
		char *name = statement + text->prefix + token->start;
		size_t size = (size_t)(token->end - token->start);

		if (token->kind != PG_QUERY__TOKEN__IDENT || size <= LONGEST_IDENTIFIER)
			continue;
		memset(name + 3, ' ', size - 3);
		memcpy(name, name[0] == '"' ? "\"q\"" : "qqq", 3);
	}
	return statement;
}

/* The clause's nodes of a SELECT that has nothing besides it; false: it has. */
static bool take_select(const PgQuery__SelectStmt *s, struct consort_text *text)
{
	bool targets = text->clause == CONSORT_CLAUSE_SELECT;

	if (s->n_distinct_clause || s->into_clause || s->n_from_clause || s->group_distinct ||
	    s->having_clause || s->n_window_clause || s->n_values_lists || s->limit_offset ||
	    s->limit_count || s->n_locking_clause || s->with_clause || s->larg || s->rarg ||
	    (!targets && s->n_target_list != 1))
		return false;
	switch (text->clause) {
	case CONSORT_CLAUSE_SELECT:
		text->nnodes = s->n_target_list;
		text->nodes = s->target_list;
		return text->nnodes && !s->where_clause && !s->n_group_clause && !s->n_sort_clause;
	case CONSORT_CLAUSE_WHERE:
	case CONSORT_CLAUSE_HAVING:
		text->nnodes = 1;
		text->nodes = &s->where_clause;
		return s->where_clause && !s->n_group_clause && !s->n_sort_clause;
	case CONSORT_CLAUSE_GROUP:
		text->nnodes = s->n_group_clause;
		text->nodes = s->group_clause;
		return text->nnodes && !s->where_clause && !s->n_sort_clause;
	default:
		text->nnodes = s->n_sort_clause;
		text->nodes = s->sort_clause;
		return text->nnodes && !s->where_clause && !s->n_group_clause;
	}
}

static bool take_update(const PgQuery__UpdateStmt *s, struct consort_text *text)
{
	text->nnodes = s->n_target_list;
	text->nodes = s->target_list;
	return text->nnodes && !s->where_clause && !s->n_from_clause && !s->n_returning_list &&
	       !s->with_clause;
}

static bool take_clause(const PgQuery__ParseResult *tree, struct consort_text *text)
{
	const PgQuery__Node *statement = tree->n_stmts == 1 ? tree->stmts[0]->stmt : NULL;

	if (!statement)
		return false;
	if (text->clause == CONSORT_CLAUSE_ASSIGNMENTS)
		return statement->node_case == PG_QUERY__NODE__NODE_UPDATE_STMT &&
		       take_update(statement->update_stmt, text);
	return statement->node_case == PG_QUERY__NODE__NODE_SELECT_STMT &&
	       take_select(statement->select_stmt, text);
}

static enum consort_status parse(struct consort_text *text, struct consort_arena *arena,
				 struct consort_error *error)
{
	ProtobufCAllocator allocator = {unpack_alloc, unpack_free, arena};
	PgQueryProtobufParseResult result;
	PgQuery__ParseResult *tree = NULL;
	enum consort_status status = CONSORT_OK;
	const char *statement = statement_of(text, arena);

	if (!statement)
		return consort_error_no_memory(error);
	result = pg_query_parse_protobuf(statement);
	if (result.error) {
		status = fail_as(text, result.error, text->prefix, error);
		goto out;
	}
	tree = pg_query__parse_result__unpack(&allocator, result.parse_tree.len,
					      (const uint8_t *)result.parse_tree.data);
	if (!tree)
		status = consort_error_no_memory(error);
	else if (!take_clause(tree, text))
		status = fail(text, 0, error, "this is more than %s takes", consort_text_clause(text));
out:
	pg_query_free_protobuf_parse_result(result);
	return status;
}

enum consort_status consort_text_parse(enum consort_clause clause, const char *text,
				       struct consort_arena *arena, struct consort_text *out_text,
				       struct consort_error *error)
{
	struct consort_text parsed = {
		.text = text, .clause = clause, .prefix = (int32_t)strlen(clauses[clause].prefix)};
	size_t size = strnlen(text, LARGEST_TEXT + 1);
	enum consort_status status;
	uint64_t at = 0;

	if (size > LARGEST_TEXT)
		return consort_error_set(error, CONSORT_ESYNTAX, "the text of %s is longer than %d bytes",
					 clauses[clause].name, LARGEST_TEXT);
	if (!consort_utf8_valid(text, size, &at))
		return consort_error_set(error, CONSORT_ESYNTAX, "the text of %s is not UTF-8 (at byte %llu)",
					 clauses[clause].name, (unsigned long long)at + 1);
	parsed.size = (int32_t)size;
	if ((status = scan(&parsed, arena, error)) || (status = check_words(&parsed, error)) ||
	    (status = check_depth(&parsed, error)) || (status = parse(&parsed, arena, error)))
		return status;
	*out_text = parsed;
	return CONSORT_OK;
}

/* --- places in a parsed text --- */

int32_t consort_text_at(const struct consort_text *text, int32_t location)
{
	int32_t at = location - text->prefix;

	return location < 0 || at < 0 || at > text->size ? -1 : at;
}

uint32_t consort_text_token(const struct consort_text *text, int32_t at)
{
	uint32_t low = 0, high = text->ntokens;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (text->tokens[middle].start < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The word that a token stands for: without its quotes, and folded if it has none. */
bool consort_text_word(const struct consort_text *text, uint32_t token, struct consort_arena *arena,
		       struct consort_word *out_word)
{
	const char *from = text->text + text->tokens[token].start,
		   *end = text->text + text->tokens[token].end;
	char *out = consort_arena_copy(arena, from, (size_t)(end - from)), *folded, *c;

	if (!out)
		return false;
	*out_word = (struct consort_word){out, NULL, text->tokens[token].start};
	if (*from == '"') {
		for (from++, end--; from < end; from++) {
			*out++ = *from;
			from += *from == '"'; /* a doubled one */
		}
		*out = '\0';
		return true;
	}
	folded = consort_arena_text(arena, out);
	if (!folded)
		return false;
	for (c = folded; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	if (strcmp(folded, out))
		out_word->folded = folded;
	return true;
}

bool consort_text_name(const struct consort_text *text, uint32_t token, struct consort_arena *arena,
		       struct consort_word *words, uint32_t *out_count)
{
	uint32_t count = 0;

	for (; token < text->ntokens && text->tokens[token].kind != '*'; token += 2) {
		if (count == CONSORT_QUERY_WORDS) {
			count = 0;
			break;
		}
		if (!consort_text_word(text, token, arena, &words[count++]))
			return false;
		if (token + 1 >= text->ntokens || text->tokens[token + 1].kind != '.')
			break;
	}
	*out_count = count;
	return true;
}
