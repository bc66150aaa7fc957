dist_man_MANS += \
	man/caisson-help.1 \
	man/caisson-oci-create.1 \
	man/caisson-oci-delete.1 \
	man/caisson-oci-events.1 \
	man/caisson-oci-exec.1 \
	man/caisson-oci-features.1 \
	man/caisson-oci-help.1 \
	man/caisson-oci-kill.1 \
	man/caisson-oci-list.1 \
	man/caisson-oci-pause.1 \
	man/caisson-oci-ps.1 \
	man/caisson-oci-resume.1 \
	man/caisson-oci-run.1 \
	man/caisson-oci-spec.1 \
	man/caisson-oci-start.1 \
	man/caisson-oci-state.1 \
	man/caisson-oci-update.1 \
	man/caisson-oci.1 \
	man/caisson-version.1 \
	man/caisson.1
