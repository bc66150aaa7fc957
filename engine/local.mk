noinst_LIBRARIES += engine/libengine.a
engine_libengine_a_SOURCES = \
	engine/attach.h \
	engine/bring.h \
	engine/config.h \
	engine/engine.c engine/engine.h \
	engine/events.h \
	engine/log.h \
	engine/monitor.h \
	engine/record.c engine/record.h \
	engine/status.c engine/status.h \
	engine/store.c engine/store.h
