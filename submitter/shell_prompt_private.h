/* What the prompt's files share: libedit's own types stay between them. */
#ifndef DCM_SUBMITTER_SHELL_PROMPT_PRIVATE_H
#define DCM_SUBMITTER_SHELL_PROMPT_PRIVATE_H

#include <histedit.h>

/* As EL_ADDFN takes it (editline(3)). */
typedef unsigned char prompt_completer(EditLine *edit, int key);

/* Take every key from libedit, then give the harmless ones back; Tab completes. 0, or what libedit
 * refuses with. */
int prompt_bind_keys(EditLine *edit, prompt_completer *complete);

#endif
