# Fuzz targets: one LLVMFuzzerTestOneInput a parser.
