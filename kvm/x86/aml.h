#ifndef CS_KVM_X86_AML_H
#define CS_KVM_X86_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes the few ACPI Machine Language terms that our tables need (ACPI 6.4, chapter 20) into a
 * fixed buffer. What does not fit sets @full, and nothing is written from then on: check once at
 * the end.
 */
struct vm_aml {
	uint8_t *buf;
	size_t size;
	size_t len;
	size_t crs; /* where the resource template that is being written begins */
	bool full;
};

void vm_aml_byte(struct vm_aml *a, uint8_t v);
void vm_aml_bytes(struct vm_aml *a, const void *p, size_t len);
/* @len bytes, little-endian. */
void vm_aml_number(struct vm_aml *a, uint64_t v, size_t len);

/* Terms with others inside: what they return goes to vm_aml_end(). Names have four letters. */
size_t vm_aml_scope(struct vm_aml *a, const char *name); /* below the root */
size_t vm_aml_device(struct vm_aml *a, const char *name);
size_t vm_aml_method(struct vm_aml *a, const char *name, uint8_t n_args); /* serialized */
void vm_aml_end(struct vm_aml *a, size_t begin);

void vm_aml_name_byte(struct vm_aml *a, const char *name, uint8_t v);
void vm_aml_name_string(struct vm_aml *a, const char *name, const char *v);
/* @v: three letters and four hexadecimal digits, "PNP0501" */
void vm_aml_name_eisaid(struct vm_aml *a, const char *name, const char *v);
/* A package of the sleep type and zeros. */
void vm_aml_sleep_state(struct vm_aml *a, const char *name, uint8_t type);
void vm_aml_notify(struct vm_aml *a, const char *object, uint8_t v);

/* _CRS, the resources of a device: begin, some of them, end. */
void vm_aml_crs_begin(struct vm_aml *a);
void vm_aml_crs_memory(struct vm_aml *a, uint32_t base, uint32_t len);
void vm_aml_crs_port(struct vm_aml *a, uint16_t base, uint8_t len);
void vm_aml_crs_irq(struct vm_aml *a, uint32_t gsi); /* edge, active high, exclusive */
void vm_aml_crs_end(struct vm_aml *a);

#endif
