/* SPDX-License-Identifier: Apache-2.0 */
/* The adapter's file as it lies there: what it exports, and its note. Files of this machine's kind only. */
#include "conform.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
	const unsigned char *data;
	size_t size;
};

/* A part of the file, or NULL if it does not lie in it whole. */
static const void *at(const struct file *file, uint64_t offset, uint64_t size)
{
	return offset <= file->size && size <= file->size - offset ? file->data + offset : NULL;
}

static const ElfW(Shdr) * section(const struct file *file, const ElfW(Ehdr) * header, uint32_t index)
{
	return header->e_shentsize == sizeof(ElfW(Shdr)) && index < header->e_shnum
		       ? at(file, header->e_shoff + (uint64_t)index * sizeof(ElfW(Shdr)), sizeof(ElfW(Shdr)))
		       : NULL;
}

/* Symbols that the dynamic linker would find: global or weak, and defined. Names of versions are none. */
static bool add_symbols(const struct file *file, const ElfW(Ehdr) * header, const ElfW(Shdr) * table,
			struct consort_buffer *out)
{
	const ElfW(Shdr) *names = section(file, header, table->sh_link);
	const ElfW(Sym) *symbols = at(file, table->sh_offset, table->sh_size);
	const char *text = names ? at(file, names->sh_offset, names->sh_size) : NULL;
	size_t i;

	if (!symbols || !text || !names->sh_size || text[names->sh_size - 1])
		return false;
	for (i = 0; i < table->sh_size / sizeof(*symbols); i++) {
		const unsigned binding = symbols[i].st_info >> 4, visibility = symbols[i].st_other & 3;

		if ((binding != STB_GLOBAL && binding != STB_WEAK) || symbols[i].st_shndx == SHN_UNDEF ||
		    symbols[i].st_shndx == SHN_ABS || visibility == STV_HIDDEN || visibility == STV_INTERNAL)
			continue;
		if (symbols[i].st_name >= names->sh_size)
			return false;
		consort_buffer_printf(out, "%s\n", text + symbols[i].st_name);
	}
	return true;
}

/* Looks through a segment or section of notes for ours. */
static void find_note(const struct file *file, uint64_t offset, uint64_t size, struct conform_note *out)
{
	const uint64_t end = offset + size;

	while (!out->found && offset + sizeof(ElfW(Nhdr)) <= end) {
		const ElfW(Nhdr) *note = at(file, offset, sizeof(*note));
		uint64_t name = offset + sizeof(*note), descriptor;
		const struct consort_note *found;

		if (!note)
			return;
		descriptor = name + (((uint64_t)note->n_namesz + 3) & ~(uint64_t)3);
		offset = descriptor + (((uint64_t)note->n_descsz + 3) & ~(uint64_t)3);
		if (note->n_type != CONSORT_NOTE_TYPE || note->n_namesz != sizeof(CONSORT_NOTE_NAME) ||
		    note->n_descsz < sizeof(*found) || !at(file, name, note->n_namesz) ||
		    memcmp(at(file, name, note->n_namesz), CONSORT_NOTE_NAME, note->n_namesz))
			continue;
		found = at(file, descriptor, sizeof(*found));
		if (!found)
			return;
		out->found = true;
		memcpy(&out->abi_major, &found->abi_major, sizeof(out->abi_major));
		memcpy(&out->abi_minor, &found->abi_minor, sizeof(out->abi_minor));
		memcpy(&out->features, found->features, sizeof(out->features));
		memcpy(out->id, found->id, sizeof(found->id));
		memcpy(out->version, found->version, sizeof(found->version));
	}
}

static bool read_file(const struct file *file, struct consort_buffer *out_symbols,
		      struct conform_note *out_note)
{
	const ElfW(Ehdr) *header = at(file, 0, sizeof(*header));
	const ElfW(Shdr) * each;
	uint32_t i;

	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG)) {
		consort_buffer_text(out_symbols, "it is no ELF file");
		return false;
	}
	for (i = 0; (each = section(file, header, i)); i++) {
		if (each->sh_type == SHT_DYNSYM && !add_symbols(file, header, each, out_symbols)) {
			consort_buffer_reset(out_symbols);
			consort_buffer_text(out_symbols, "its table of symbols is broken");
			return false;
		}
		if (each->sh_type == SHT_NOTE)
			find_note(file, each->sh_offset, each->sh_size, out_note);
	}
	if (!out_symbols->size)
		consort_buffer_text(out_symbols, "it exports nothing");
	return true;
}

bool conform_file_read(const char *path, struct consort_buffer *out_symbols, struct conform_note *out_note)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	struct file file = {NULL, 0};
	void *data = MAP_FAILED;
	bool ok = false;

	memset(out_note, 0, sizeof(*out_note));
	if (fd >= 0 && !fstat(fd, &status) && status.st_size > 0)
		data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data != MAP_FAILED) {
		file.data = data;
		file.size = (size_t)status.st_size;
		ok = read_file(&file, out_symbols, out_note);
		munmap(data, file.size);
	} else {
		consort_buffer_text(out_symbols, "it cannot be read");
	}
	if (fd >= 0)
		close(fd);
	return ok;
}
