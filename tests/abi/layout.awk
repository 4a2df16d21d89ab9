# SPDX-License-Identifier: Apache-2.0
# Makes a C program of headers: it prints every struct with its fields' places, every enumeration and every constant.
# Reads declarations as these headers write them, and stops at what it does not understand. See generate-layout.

function die(text) {
	printf "layout.awk: %s: %s\n", FILENAME, text >"/dev/stderr"
	broken = 1
	exit 1
}

# Without comments and the space around it; a comment may span lines.
function code(line,    out, at) {
	out = ""
	while (line != "") {
		at = index(line, in_comment ? "*/" : "/*")
		if (!in_comment)
			out = out (at ? substr(line, 1, at - 1) " " : line)
		if (!at)
			break
		in_comment = !in_comment
		line = substr(line, at + 2)
	}
	gsub(/[ \t]+/, " ", out)
	sub(/^ /, "", out)
	sub(/ $/, "", out)
	return out
}

# #define NAME NUMBER and #define NAME "text"; what only C++ sees is left out.
function directive(line,    words) {
	if (line ~ /^# *if/) {
		level++
		if (line ~ /^# *ifdef __cplusplus/ && !hidden)
			hidden = level
	} else if (line ~ /^# *(else|elif)/ && hidden == level)
		hidden = 0
	else if (line ~ /^# *endif/) {
		if (hidden == level)
			hidden = 0
		level--
	} else if (line ~ /^#define [A-Z0-9_]+ (0x[0-9a-f]+|[0-9]+)u?$/ && !hidden) {
		split(line, words, " ")
		constants[++nconstants] = words[2]
	} else if (line ~ /^#define [A-Z0-9_]+ "[^"]*"$/ && !hidden) {
		split(line, words, " ")
		texts[++ntexts] = words[2]
	}
}

# The place of the brace that closes the one at `from`.
function closing(text, from,    depth, i, c) {
	for (i = from; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (c == "{")
			depth++
		else if (c == "}" && !--depth)
			return i
	}
	die("a brace is not closed")
}

# The name that a declaration declares.
function declared(text,    name) {
	if (match(text, /\(\*[a-z_0-9]+\)/))
		return substr(text, RSTART + 2, RLENGTH - 3)
	name = text
	gsub(/\[[^]]*\]/, "", name)
	if (name ~ /[,:(){}]/ || !match(name, /[A-Za-z_0-9]+$/))
		die("cannot read the declaration '" text "'")
	return substr(name, RSTART)
}

# The fields of a body; `prefix` is that of a union's members.
function fields(tag, body, prefix,    rest, end, text, name, open) {
	rest = body
	while (rest ~ /[^ ]/) {
		sub(/^ +/, "", rest)
		end = index(rest, ";")
		if (!end)
			die("struct " tag ": '" rest "' has no semicolon")
		open = index(substr(rest, 1, end), "{")
		if (open)
			end = closing(rest, open) + index(substr(rest, closing(rest, open)), ";") - 1
		text = substr(rest, 1, end - 1)
		rest = substr(rest, end + 1)
		if (open) {
			if (text !~ /^union \{/)
				die("struct " tag ": only a union may stand inside")
			name = substr(text, closing(text, open) + 1)
			gsub(/ /, "", name)
			printf "\tfield(union, %s, %s, 0);\n", tag, prefix name
			fields(tag, substr(text, open + 1, closing(text, open) - open - 1), prefix name ".")
		} else
			printf "\tfield(%s, %s, %s, %d);\n", text, tag, prefix declared(text), prefix != ""
	}
}

function structure(tag, body) {
	printf "\tbegin(%s, %s);\n", tag, body ~ /^ *uint32_t struct_size;/ ? "growing" : "frozen"
	fields(tag, body, "")
	printf "\tend(%s);\n", tag
}

function enumeration(tag, body,    n, names, i) {
	printf "\theading(enum %s);\n", tag
	n = split(body, names, ",")
	for (i = 1; i <= n; i++) {
		sub(/=.*/, "", names[i])
		gsub(/ /, "", names[i])
		if (names[i] != "")
			printf "\tconstant(%s);\n", names[i]
	}
}

# All structs and enumerations of a header.
function declarations(text,    tag, open, close_at, kind) {
	while (match(text, /(struct|enum) [A-Za-z_0-9]+ \{/)) {
		kind = substr(text, RSTART, 4) == "enum" ? "enum" : "struct"
		tag = substr(text, RSTART + length(kind) + 1, RLENGTH - length(kind) - 3)
		open = RSTART + RLENGTH - 1
		close_at = closing(text, open)
		if (kind == "enum")
			enumeration(tag, substr(text, open + 1, close_at - open - 1))
		else
			structure(tag, substr(text, open + 1, close_at - open - 1))
		text = substr(text, close_at + 1)
	}
}

function finish_header(    i) {
	if (ntexts + nconstants)
		printf "\theading(constants of %s);\n", header
	for (i = 1; i <= nconstants; i++)
		printf "\tconstant(%s);\n", constants[i]
	for (i = 1; i <= ntexts; i++)
		printf "\ttext(%s);\n", texts[i]
	declarations(whole)
	whole = ""
	nconstants = ntexts = 0
}

FNR == 1 {
	if (header != "")
		finish_header()
	header = FILENAME
	sub(/.*\/include\//, "", header)
	includes = includes "#include <" header ">\n"
}

{
	line = code($0)
	# A directive goes on behind a backslash.
	if (continued || line ~ /^#/) {
		if (!continued)
			directive(line)
		continued = line ~ /\\$/
	} else if (!hidden && line != "")
		whole = whole " " line
}

END {
	if (broken)
		exit 1
	finish_header()
}
