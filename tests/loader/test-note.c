/* SPDX-License-Identifier: Apache-2.0 */
/* Reading notes from files, most of which do not deserve it. */
#include "loader/loader.h"
#include "loader/keeper.h"
#include "testing.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <consort/export.h>

static enum consort_status read_note(const char *path, struct consort_note_info *note,
				     struct consort_error *error)
{
	memset(error, 0, sizeof(*error));
	return consort_note_read(path, note, error);
}

static void test_good(void)
{
	struct consort_note_info note;
	struct consort_error error;

	CU_ASSERT_EQUAL_FATAL(read_note(keeper_place("good", "a.so"), &note, &error), CONSORT_OK);
	TESTING_TEXT(note.id, "zoo");
	TESTING_TEXT(note.version, "1.2");
	CU_ASSERT_EQUAL(note.abi_major, CONSORT_ABI_MAJOR);
	CU_ASSERT_EQUAL(note.abi_minor, CONSORT_ABI_MINOR);
	CU_ASSERT_EQUAL(note.features.word[0], CONSORT_FEATURE_BIT(CONSORT_FEATURE_CREATE));
	CU_ASSERT_EQUAL(note.features.word[1], 0);
	CU_ASSERT_EQUAL_FATAL(read_note(keeper_place("future", "b.so"), &note, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(note.abi_minor, 7);
	CU_ASSERT_TRUE(consort_features_has(&note.features, 63));
}

/* Each animal whose note is at fault, with what is said of it. */
static void test_animals(void)
{
	static const struct {
		const char *animal, *message;
	} cases[] = {
		{"no-note", "is no adapter: it has no Consort note (CONSORT_PLUGIN_EXPORT makes it)"},
		{"note-truncated", "its Consort note has 40 bytes, not 72"},
		{"note-huge", "is broken: a note reaches beyond its segment"},
		{"bad-id", "the id in its Consort note is not of the form [a-z][a-z0-9_-]*"},
		{"bad-version", "the version in its Consort note is not 1 to 15 printable characters"},
	};
	struct consort_note_info note = {.abi_major = 99};
	struct consort_error error;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *path = keeper_place(cases[i].animal, keeper_text("%s.so", cases[i].animal));

		KEEPER_FAILS(read_note(path, &note, &error), CONSORT_EUNTRUSTED, error, "%s: %s", path,
			     cases[i].message);
	}
	CU_ASSERT_EQUAL(note.abi_major, 99); /* untouched */
}

static void test_no_shared_object(void)
{
	const char *text = testing_write("text.so", "#!/bin/sh\necho no\n"),
		   *empty = testing_write("empty.so", "");
	const char *folder = keeper_folder("folder.so"), *fifo = testing_path("fifo.so");
	const char *missing = testing_path("missing.so"), *device = "/dev/null";
	struct consort_note_info note;
	struct consort_error error;

	KEEPER_FAILS(read_note(text, &note, &error), CONSORT_EUNTRUSTED, error,
		     "%s: is no shared object: it is not an ELF file", text);
	KEEPER_FAILS(read_note(empty, &note, &error), CONSORT_EUNTRUSTED, error,
		     "%s: is no shared object: it is not an ELF file", empty);
	KEEPER_FAILS(read_note(folder, &note, &error), CONSORT_EUNTRUSTED, error,
		     "%s: is a folder, not a shared object", folder);
	CU_ASSERT_EQUAL_FATAL(mkfifo(fifo, 0644), 0);
	alarm(5); /* must not wait for a writer */
	KEEPER_FAILS(read_note(fifo, &note, &error), CONSORT_EUNTRUSTED, error,
		     "%s: is no regular file, and so no shared object", fifo);
	alarm(0);
	KEEPER_FAILS(read_note(device, &note, &error), CONSORT_EUNTRUSTED, error,
		     "%s: is no regular file, and so no shared object", device);
	KEEPER_FAILS(read_note(missing, &note, &error), CONSORT_EUNTRUSTED, error,
		     "%s: cannot be opened: No such file or directory", missing);
	CU_ASSERT_EQUAL(consort_note_read(missing, &note, NULL), CONSORT_EUNTRUSTED);
}

/* The end of what the program headers promise. */
static size_t end_of_segments(const unsigned char *data)
{
	Elf64_Ehdr header;
	size_t end = 0, i;

	memcpy(&header, data, sizeof(header));
	for (i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr segment;

		memcpy(&segment, data + header.e_phoff + i * sizeof(segment), sizeof(segment));
		if (segment.p_offset + segment.p_filesz > end)
			end = segment.p_offset + segment.p_filesz;
	}
	return end;
}

/* Cut anywhere, it is told as truncated and never opened: the dynamic linker would die of it. */
static void test_truncated(void)
{
	struct consort_note_info note;
	struct consort_error error;
	size_t size, needed, n;
	unsigned char *data = keeper_read("good", &size);
	const char *path = testing_write_n("cut.so", data, size);

	needed = end_of_segments(data);
	CU_ASSERT_TRUE_FATAL(needed > 4096 && needed <= size);
	CU_ASSERT_EQUAL_FATAL(truncate(path, (off_t)needed), 0);
	CU_ASSERT_EQUAL(read_note(path, &note, &error), CONSORT_OK);
	for (n = needed - 1; n > 0; n = n > 4200 ? n - 97 : n - 1) {
		CU_ASSERT_EQUAL_FATAL(truncate(path, (off_t)n), 0);
		CU_ASSERT_EQUAL_FATAL(read_note(path, &note, &error), CONSORT_EUNTRUSTED);
		if (n >= SELFMAG)
			TESTING_CONTAINS(error.message, "is truncated: ");
		else
			TESTING_CONTAINS(error.message, "is not an ELF file");
	}
	testing_write_n("cut.so", data, 50);
	KEEPER_FAILS(read_note(path, &note, &error), CONSORT_EUNTRUSTED, error,
		     "%s: is truncated: 50 bytes hold no ELF header", path);
	testing_write_n("cut.so", data, 100);
	KEEPER_FAILS(read_note(path, &note, &error), CONSORT_EUNTRUSTED, error,
		     "%s: is truncated: its program headers lie beyond its end at byte 100", path);
	testing_write_n("cut.so", data, needed - 1);
	TESTING_CONTAINS((read_note(path, &note, &error), error.message),
			 keeper_text("lies beyond its end at byte %zu", needed - 1));
}

/* --- files made byte by byte: a header, one segment of notes, notes --- */

struct made {
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	unsigned char notes[512];
	size_t size; /* of notes */
};

static struct made made_empty(void)
{
	struct made made = {.size = 0};
	size_t size;

	memcpy(&made.header, keeper_read("good", &size), sizeof(made.header));
	made.header.e_phoff = sizeof(made.header);
	made.header.e_phnum = 1;
	made.segment.p_type = PT_NOTE;
	made.segment.p_offset = sizeof(made.header) + sizeof(made.segment);
	made.segment.p_align = 4;
	return made;
}

static void made_add(struct made *made, const char *name, uint32_t type, const void *data, uint32_t size)
{
	const uint32_t header[3] = {(uint32_t)strlen(name) + 1, size, type};
	const size_t align = made->segment.p_align;

	memcpy(made->notes + made->size, header, sizeof(header));
	memcpy(made->notes + made->size + sizeof(header), name, header[0]);
	made->size = (made->size + sizeof(header) + header[0] + align - 1) / align * align;
	memcpy(made->notes + made->size, data, size);
	made->size = (made->size + size + align - 1) / align * align;
	made->segment.p_filesz = made->size;
}

static const char *made_write(const struct made *made)
{
	return testing_write_n("made.so", made, offsetof(struct made, notes) + made->size);
}

static const struct consort_note sample = {
	.abi_major = 1,
	.abi_minor = 2,
	.features = {3, 4},
	.id = "sample",
	.version = "9",
};

static void test_made(void)
{
	struct made made = made_empty();
	struct consort_note_info note;
	struct consort_error error;

	/* behind foreign notes of odd sizes, another type of ours and a name that only starts like it */
	made_add(&made, "GNU", 3, "0123456789abcdefghi", 19);
	made_add(&made, "", 1, "", 0);
	made_add(&made, CONSORT_NOTE_NAME, 2, "later", 5);
	made_add(&made, "Consort2", CONSORT_NOTE_TYPE, "other", 5);
	made_add(&made, CONSORT_NOTE_NAME, CONSORT_NOTE_TYPE, &sample, sizeof(sample));
	CU_ASSERT_EQUAL_FATAL(read_note(made_write(&made), &note, &error), CONSORT_OK);
	TESTING_TEXT(note.id, "sample");
	CU_ASSERT_EQUAL(note.abi_minor, 2);
	CU_ASSERT_EQUAL(note.features.word[1], 4);

	/* notes aligned to eight bytes */
	made = made_empty();
	made.segment.p_align = 8;
	made_add(&made, "GNU", 5, "0123456789", 10);
	made_add(&made, "odd", 1, "x", 1);
	made_add(&made, CONSORT_NOTE_NAME, CONSORT_NOTE_TYPE, &sample, sizeof(sample));
	CU_ASSERT_EQUAL(read_note(made_write(&made), &note, &error), CONSORT_OK);

	/* a few bytes of padding at the segment's end are no note */
	made = made_empty();
	made_add(&made, "GNU", 3, "0123", 4);
	made.segment.p_filesz = made.size += 7;
	KEEPER_FAILS(read_note(made_write(&made), &note, &error), CONSORT_EUNTRUSTED, error,
		     "%s: is no adapter: it has no Consort note (CONSORT_PLUGIN_EXPORT makes it)",
		     testing_path("made.so"));
}

/* Writes the file with a note's text changed, and reads it. */
static void expect_bad_note(const struct consort_note *note, const char *message)
{
	struct made made = made_empty();
	struct consort_note_info info;
	struct consort_error error;
	const char *path;

	made_add(&made, CONSORT_NOTE_NAME, CONSORT_NOTE_TYPE, note, sizeof(*note));
	path = made_write(&made);
	KEEPER_FAILS(read_note(path, &info, &error), CONSORT_EUNTRUSTED, error, "%s: %s", path, message);
}

static void test_texts(void)
{
	static const char bad_id[] = "the id in its Consort note is not of the form [a-z][a-z0-9_-]*";
	static const char bad_version[] = "the version in its Consort note is not 1 to 15 printable "
					  "characters";
	struct consort_note note = sample;

	memset(note.id, 'a', sizeof(note.id)); /* no NUL */
	expect_bad_note(&note, bad_id);
	memcpy(note.id, "a\0b", 4); /* something behind the NUL */
	expect_bad_note(&note, bad_id);
	memset(note.id, 0, sizeof(note.id));
	expect_bad_note(&note, bad_id);
	memcpy(note.id, "a/../b", 7);
	expect_bad_note(&note, bad_id);
	memcpy(note.id, "\x1b[2J", 5);
	expect_bad_note(&note, bad_id);
	note = sample;
	memset(note.version, '1', sizeof(note.version));
	expect_bad_note(&note, bad_version);
	memset(note.version, 0, sizeof(note.version));
	expect_bad_note(&note, bad_version);
}

#define EXPECT_BROKEN(change, ...)                                                                           \
	do {                                                                                                 \
		struct made made = made_empty();                                                             \
		const char *path;                                                                            \
		made_add(&made, CONSORT_NOTE_NAME, CONSORT_NOTE_TYPE, &sample, sizeof(sample));              \
		change;                                                                                      \
		path = made_write(&made);                                                                    \
		KEEPER_FAILS(read_note(path, &note, &error), CONSORT_EUNTRUSTED, error, "%s: %s", path,      \
			     keeper_text(__VA_ARGS__));                                                      \
	} while (0)

static void test_headers(void)
{
	const Elf64_Ehdr own = made_empty().header;
	const unsigned data = own.e_ident[EI_DATA], machine = own.e_machine;
	struct consort_note_info note;
	struct consort_error error;

	EXPECT_BROKEN(made.header.e_ident[EI_CLASS] = ELFCLASS32,
		      "is built for another machine (ELF class 1, data %u, machine %u; this one is 2, %u, %u)",
		      data, machine, data, machine);
	EXPECT_BROKEN(made.header.e_ident[EI_DATA] = ELFDATA2MSB,
		      "is built for another machine (ELF class 2, data 2, machine %u; this one is 2, %u, %u)",
		      machine, data, machine);
	EXPECT_BROKEN(made.header.e_machine = EM_S390,
		      "is built for another machine (ELF class 2, data %u, machine 22; this one is 2, %u, %u)",
		      data, data, machine);
	EXPECT_BROKEN(made.header.e_type = ET_EXEC, "is an ELF file, but no shared object (type 2)");
	EXPECT_BROKEN(made.header.e_phnum = 0,
		      "is broken: 0 program headers of 56 bytes (1 to 128 of 56 expected)");
	EXPECT_BROKEN(made.header.e_phnum = PN_XNUM,
		      "is broken: 65535 program headers of 56 bytes (1 to 128 of 56 expected)");
	EXPECT_BROKEN(made.header.e_phentsize = 32,
		      "is broken: 1 program headers of 32 bytes (1 to 128 of 56 expected)");
	EXPECT_BROKEN(made.header.e_phoff = UINT64_MAX - 8,
		      "is truncated: its program headers lie beyond its end at byte %zu",
		      offsetof(struct made, notes) + made.size);
	EXPECT_BROKEN(made.segment.p_offset = 4096,
		      "is truncated: segment 0 (type 0x4) lies beyond its end at byte %zu",
		      offsetof(struct made, notes) + made.size);
	EXPECT_BROKEN(made.segment.p_filesz = UINT64_MAX - 64,
		      "is truncated: segment 0 (type 0x4) lies beyond its end at byte %zu",
		      offsetof(struct made, notes) + made.size);
	EXPECT_BROKEN(made.segment.p_filesz -= 1, "is broken: a note reaches beyond its segment");
	EXPECT_BROKEN(memset(made.notes, 0xff, 4), "is broken: a note reaches beyond its segment");
	EXPECT_BROKEN(memset(made.notes + 4, 0xff, 4), "is broken: a note reaches beyond its segment");
}

static void test_large_notes(void)
{
	struct made made = made_empty();
	struct consort_note_info note;
	struct consort_error error;
	const char *path;

	made.segment.p_filesz = (64 << 10) + 1;
	path = made_write(&made);
	CU_ASSERT_EQUAL_FATAL(truncate(path, 1 << 20), 0);
	KEEPER_FAILS(read_note(path, &note, &error), CONSORT_EUNTRUSTED, error,
		     "%s: is broken: a segment of notes has 65537 bytes, more than 65536", path);
	/* as many as are allowed, all of them empty, far behind the first bytes */
	made.segment.p_filesz = 64 << 10;
	made.segment.p_offset = 12345;
	path = made_write(&made);
	CU_ASSERT_EQUAL_FATAL(truncate(path, 1 << 20), 0);
	KEEPER_FAILS(read_note(path, &note, &error), CONSORT_EUNTRUSTED, error,
		     "%s: is no adapter: it has no Consort note (CONSORT_PLUGIN_EXPORT makes it)", path);
}

/* --- mutations of a real one: nothing may crash, and what is taken must be sound --- */

static void read_mutant(const char *path, uint64_t *counts)
{
	struct consort_note_info note;
	struct consort_error error;
	enum consort_status status = read_note(path, &note, &error);

	CU_ASSERT_TRUE_FATAL(status == CONSORT_OK || status == CONSORT_EUNTRUSTED);
	CU_ASSERT_EQUAL_FATAL(error.status, status);
	if (!status)
		CU_ASSERT_TRUE_FATAL(consort_id_valid(note.id) && consort_version_valid(note.version));
	counts[status ? 1 : 0]++;
}

static void put(int file, size_t at, const void *bytes, size_t size)
{
	if (pwrite(file, bytes, size, (off_t)at) != (ssize_t)size) {
		perror("pwrite");
		exit(1);
	}
}

/* Headers and notes of the file lie in these bytes. */
#define MUTATED 1200u

static void test_mutations(void)
{
	uint64_t counts[2] = {0, 0};
	size_t size, at, k;
	unsigned char *data = keeper_read("good", &size);
	const char *path = testing_write_n("mutant.so", data, size);
	int file = open(path, O_WRONLY | O_CLOEXEC);

	CU_ASSERT_TRUE_FATAL(file >= 0 && size > MUTATED);
	for (at = 0; at < MUTATED; at++) {
		const unsigned char old = data[at];
		const unsigned char values[] = {0,
						1,
						0x7f,
						0x80,
						0xff,
						(unsigned char)(old + 1),
						(unsigned char)(old - 1),
						(unsigned char)(old ^ 0x10)};

		for (k = 0; k < sizeof(values); k++) {
			put(file, at, &values[k], 1);
			read_mutant(path, counts);
		}
		put(file, at, &old, 1);
	}
	CU_ASSERT_TRUE(counts[0] > 100); /* padding, addresses: many bytes do not matter here */
	CU_ASSERT_TRUE(counts[1] > 100);
	close(file);
}

static void test_random_mutations(void)
{
	uint64_t counts[2] = {0, 0}, random = 88172645463325252u;
	size_t size, i, k;
	unsigned char *data = keeper_read("good", &size);
	const char *path = testing_write_n("mutant.so", data, size);
	int file = open(path, O_WRONLY | O_CLOEXEC);

	CU_ASSERT_TRUE_FATAL(file >= 0);
	for (i = 0; i < 20000; i++) {
		for (k = 0; k < 1 + i % 8; k++) { /* xorshift64 (G. Marsaglia) */
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			put(file, 16 + random % (MUTATED - 16), (unsigned char *)&random + 4,
			    1 + (random >> 60) % 4);
		}
		read_mutant(path, counts);
		put(file, 0, data, MUTATED + 8);
	}
	CU_ASSERT_EQUAL(counts[0] + counts[1], 20000);
	CU_ASSERT_TRUE(counts[1] > 1000);
	close(file);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"good", test_good},
		{"animals", test_animals},
		{"no_shared_object", test_no_shared_object},
		{"truncated", test_truncated},
		{"made", test_made},
		{"texts", test_texts},
		{"headers", test_headers},
		{"large_notes", test_large_notes},
		{"mutations", test_mutations},
		{"random_mutations", test_random_mutations},
		{NULL, NULL},
	};

	return testing_main("note", cases, argc, argv);
}
