/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_EXPORT_H
#define CONSORT_EXPORT_H

/*
 * How an adapter's file tells what it is without being run: an ELF note that repeats ABI, id, version and
 * features of the descriptor. The loader refuses a plugin whose note and descriptor differ.
 */

#include <consort/abi.h>

#define CONSORT_NOTE_NAME "Consort"
#define CONSORT_NOTE_TYPE 1
#define CONSORT_NOTE_SECTION ".note.consort"

/* The note's descriptor, as it lies in the file. Frozen; a later layout is another note type. */
struct consort_note {
	uint16_t abi_major;
	uint16_t abi_minor;
	uint32_t reserved;
	uint64_t features[2];
	char id[32];      /* NUL-padded */
	char version[16]; /* NUL-padded */
};

/*
 * CONSORT_PLUGIN_EXPORT(&plugin, ID, VERSION, FEATURES_0, FEATURES_1): once, at the end of plugin.c, with the
 * same constants that the descriptor holds. Makes the entry and the note. The section's name makes
 * the assembler mark it SHT_NOTE, and the linker then puts it into a PT_NOTE segment.
 */
#ifdef __cplusplus
#define CONSORT_NOTE_LINKAGE extern "C" const
#else
#define CONSORT_NOTE_LINKAGE const
#endif

/* The note with its ELF header; halves of 64-bit words, since notes are aligned to 4 bytes. */
struct consort_note_image {
	uint32_t name_size;
	uint32_t descriptor_size;
	uint32_t type;
	char name[8];
	uint16_t abi_major;
	uint16_t abi_minor;
	uint32_t reserved;
	uint32_t features[4]; /* two 64-bit words, low half first */
	char id[32];
	char version[16];
};

#define CONSORT_PLUGIN_EXPORT(plugin, plugin_id, plugin_version, features_0, features_1)                       \
	CONSORT_NOTE_LINKAGE struct consort_note_image consort_note_ __attribute__((                           \
		__section__(CONSORT_NOTE_SECTION), __used__, __aligned__(4), __visibility__("hidden"))) = {    \
		8, sizeof(struct consort_note), CONSORT_NOTE_TYPE, CONSORT_NOTE_NAME,                          \
		CONSORT_ABI_MAJOR, CONSORT_ABI_MINOR, 0,                                                       \
		{(uint32_t)((features_0) & 0xffffffffu), (uint32_t)((uint64_t)(features_0) >> 32),             \
		 (uint32_t)((features_1) & 0xffffffffu), (uint32_t)((uint64_t)(features_1) >> 32)},            \
		plugin_id, plugin_version};                                                                    \
	const struct consort_plugin *consort_plugin_entry_v1(void)                                             \
	{                                                                                                      \
		return plugin;                                                                                 \
	}                                                                                                      \
	typedef char consort_plugin_id_fits_[sizeof(plugin_id) <= 32 && sizeof(plugin_version) <= 16 ? 1 : -1]

#endif
