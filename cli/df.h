#ifndef CS_CLI_DF_H
#define CS_CLI_DF_H

#include <stddef.h>
#include <stdint.h>

#include "cli/ctrview.h"
#include "cli/imguse.h"
#include "engine/engine.h"
#include "engine/volume.h"
#include "images/store.h"
#include "images/usage.h"

struct cli_call;
struct cs_err;
struct cs_jw;

/* How much of the disk everything takes: "system df". */
struct cli_df {
	struct eng e;		/* owned */
	struct img_list images; /* owned */
	struct img_usage_one *image;
	struct img_usage all_images;
	struct cli_imguse image_uses; /* owned */
	struct cli_df_ctr {
		struct cli_ctr c; /* owned */
		uint64_t size;	  /* writable layer and log */
	} * ctr;		  /* owned */
	size_t n_ctr;
	struct eng_volume_list volumes;	    /* owned */
	struct eng_volume_uses volume_uses; /* owned */
	uint64_t *volume;		    /* owned; bytes of each */
};
int cli_df_load(const struct cli_call *call, struct cli_df *df, struct cs_err *err);
void cli_df_fini(struct cli_df *df);

/* The lines of the summary. */
enum { CLI_DF_KINDS = 3 };
void cli_df_row(const struct cli_df *df, size_t kind, struct cs_jw *w);

/* The lines of -v. */
void cli_df_image(const struct cli_df *df, size_t i, struct cs_jw *w);
void cli_df_ctr(const struct cli_df *df, size_t i, struct cs_jw *w);
void cli_df_volume(const struct cli_df *df, size_t i, struct cs_jw *w);

#endif
