#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "tests/unit/unit.h"

/* Structs and texts of many sizes, in turn: none overlaps another. */
START_TEST(test_pieces)
{
	static const size_t hints[] = { 0, 1, 5000, SIZE_MAX };
	enum { PIECES = 3000 };
	static unsigned char *structs[PIECES];
	static char *texts[PIECES];
	char text[256];

	for (size_t h = 0; h < sizeof(hints) / sizeof(hints[0]); h++) {
		struct cs_arena *a = cs_arena_new(hints[h]);

		for (size_t i = 0; i < PIECES; i++) {
			size_t size = i % 97 == 0 ? 10000 : i % 61;

			structs[i] = cs_arena_alloc(a, size);
			ck_assert_uint_eq((uintptr_t)structs[i] % 8, 0);
			memset(structs[i], (int)(i % 251), size);
			memset(text, 'a' + (int)(i % 26), sizeof(text));
			texts[i] = cs_arena_str(a, text, i % 200);
		}
		for (size_t i = 0; i < PIECES; i++) {
			size_t size = i % 97 == 0 ? 10000 : i % 61;

			for (size_t k = 0; k < size; k++)
				ck_assert_uint_eq(structs[i][k], i % 251);
			ck_assert_uint_eq(strlen(texts[i]), i % 200);
			for (size_t k = 0; k < i % 200; k++)
				ck_assert_int_eq(texts[i][k], 'a' + (int)(i % 26));
		}
		cs_arena_free(a);
	}
}
END_TEST

START_TEST(test_too_much)
{
	struct cs_arena *a = cs_arena_new(0);

	ck_assert_ptr_null(cs_arena_alloc(a, SIZE_MAX));
	ck_assert_ptr_null(cs_arena_alloc(a, SIZE_MAX / 2));
	ck_assert_ptr_null(cs_arena_str(a, "", SIZE_MAX));
	ck_assert_ptr_nonnull(cs_arena_alloc(a, 0));
	ck_assert_str_eq(cs_arena_str(a, "abc", 2), "ab");
	cs_arena_free(a);
	cs_arena_free(NULL);
}
END_TEST

UNIT_MAIN("base/arena", test_pieces, test_too_much)
