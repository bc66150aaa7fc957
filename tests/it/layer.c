/*
 * Drives images/layer.h for the integration tests:
 *
 *	layer [-f] [-b BLOB-DIGEST] [-s BLOB-SIZE] [-d DIFF-ID] STORE <BLOB
 *
 * imports the blob and prints the layer's diffID, or the error on stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "images/layer.h"

static int usage(void)
{
	fprintf(stderr, "usage: layer [-f] [-b DIGEST] [-s SIZE] [-d DIFFID] STORE <BLOB\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct img_layer_opts o = IMG_LAYER_OPTS_INIT;
	struct img_layer_info info;
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int root = -EBADF;
	int c, ret = 0;

	while ((c = getopt(argc, argv, "fb:s:d:")) != -1 && ret == 0) {
		if (c == 'f')
			o.folder = true;
		else if (c == 'b')
			ret = img_digest_parse(optarg, "-b", &o.blob, &err);
		else if (c == 'd')
			ret = img_digest_parse(optarg, "-d", &o.diff_id, &err);
		else if (c == 's')
			ret = cs_str_u64(optarg, &o.blob_size);
		else
			return usage();
	}
	if (optind + 1 != argc)
		return usage();
	root = open(argv[optind], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0) {
		perror(argv[optind]);
		return 2;
	}
	o.root = root;
	if (ret == 0)
		ret = img_layer_import(&o, STDIN_FILENO, &info, &err);
	if (ret < 0) {
		fprintf(stderr, "layer: %s\n", err.msg);
		return 1;
	}
	printf("%s\n", info.diff_id.hex);
	return 0;
}
