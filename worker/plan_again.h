/*
 * A container made anew: what the engine has of the present one, on another image and with other
 * ports. Pure. The present one was built from nothing and compared whole when it was made (plan.h),
 * and its MAC says that it is that one: what is granted to it is for the caller to judge again.
 */
#ifndef DCM_WORKER_PLAN_AGAIN_H
#define DCM_WORKER_PLAN_AGAIN_H

#include "worker/plan.h"

/* The create body. Of the plan: image_id, image, labels, ssh_port, ssh_address, ports. New
 * reference; NULL only when memory is out or a text is not UTF-8. */
json_t *plan_again_body(const struct container_plan *plan, const json_t *present);
/* As plan_verify, against that body. Of the plan: user, name and network too. */
int plan_again_verify(const struct container_plan *plan, const json_t *present,
                      const json_t *inspected, struct error *err);

#endif
