# SPDX-License-Identifier: Apache-2.0
# find_package(Consort): the library for programs, and what adapters are built with.
#
#	Consort::consort		libconsort.so and its headers
#	Consort::sdk			libconsort-sdk.a, and the headers of the contract
#	Consort_PLUGIN_DIR		where consort looks for adapters
#	Consort_CONFORM			the program that proves them
#	consort_add_adapter(NAME SOURCE…)	a target consort-NAME, which makes consort-NAME.so
#
# Everything is found from this file's place, so that an installed tree can be moved.

get_filename_component(Consort_LIBRARY_DIR "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
set(Consort_PLUGIN_DIR "${Consort_LIBRARY_DIR}/consort")
find_path(Consort_INCLUDE_DIR consort/plugin.h
	HINTS "${Consort_LIBRARY_DIR}/../include" "${Consort_LIBRARY_DIR}/../../include" NO_DEFAULT_PATH)
find_library(Consort_YAJL_LIBRARY yajl)
find_program(Consort_CONFORM consort-conform HINTS "${Consort_LIBRARY_DIR}/../bin" "${Consort_LIBRARY_DIR}/../../bin")

if(NOT TARGET Consort::consort)
	add_library(Consort::consort SHARED IMPORTED)
	set_target_properties(Consort::consort PROPERTIES
		IMPORTED_LOCATION "${Consort_LIBRARY_DIR}/libconsort.so"
		INTERFACE_INCLUDE_DIRECTORIES "${Consort_INCLUDE_DIR}")
	add_library(Consort::sdk STATIC IMPORTED)
	set_target_properties(Consort::sdk PROPERTIES
		IMPORTED_LOCATION "${Consort_LIBRARY_DIR}/libconsort-sdk.a"
		INTERFACE_INCLUDE_DIRECTORIES "${Consort_INCLUDE_DIR}"
		INTERFACE_LINK_LIBRARIES "${Consort_YAJL_LIBRARY};pthread;m")
endif()

# An adapter exports its entry and nothing else, and leaves no symbol open.
function(consort_add_adapter name)
	set(map "${Consort_PLUGIN_DIR}/plugin.map")
	add_library(consort-${name} MODULE ${ARGN})
	target_link_libraries(consort-${name} PRIVATE Consort::sdk)
	target_link_options(consort-${name} PRIVATE "LINKER:--version-script=${map}" LINKER:-z,defs)
	set_target_properties(consort-${name} PROPERTIES PREFIX "" LINK_DEPENDS "${map}"
		C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden)
endfunction()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Consort VERSION_VAR Consort_VERSION
	REQUIRED_VARS Consort_INCLUDE_DIR Consort_YAJL_LIBRARY)
