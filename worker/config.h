/* The settings of dcm-worker: docs/administration.md lists them for people. */
#ifndef DCM_WORKER_CONFIG_H
#define DCM_WORKER_CONFIG_H

#include <stdint.h>

#include "common/error.h"
#include "common/tls.h"

struct worker_config {
    char *server;
    char **broker;
    char *store;
    struct tls_settings tls; /* to both */
    char *engine;
    char *storage;
    char *keys;
    char *state;
    char *policy;
    char *keyring;
    char *audit;
    char **addresses;   /* at the start; worker/addresses.h says which count now */
    char *address_file; /* what dcm-admin made of them; need not exist */
    char *ssh_ports;
    char *subnets;
    long subnet_bits;
    long runners;
    char *disk_floor;
    char *expired_kept;
    char *account;
    char *metrics; /* where Prometheus may ask (worker/loopback.h); NULL: nowhere */
    char *log_level;
    /* worked out from the above */
    int64_t disk_floor_bytes; /* 0: any disk will do */
    int64_t expired_kept_s;
    uint16_t first_port, last_port;
    uint32_t subnet_base;  /* host byte order */
    unsigned subnet_count; /* how many networks of subnet_bits the pool holds */
};

/* FAULT_INVALID names the file and the setting; the line too, unless it is well-formed and only the
 * value makes no sense. */
int worker_config_read(const char *path, struct worker_config *ret_config, struct error *err);
void worker_config_clear(struct worker_config *config);

/* The pool's subnet of this index, "10.201.4.64/26". */
#define SUBNET_SIZE 20
void worker_config_subnet(const struct worker_config *config, unsigned index,
                          char ret_subnet[SUBNET_SIZE]);

#endif
