/*
 * As much of SFTP, version 3 (draft-ietf-secsh-filexfer-02), as it takes to refuse it with words:
 * sshd drops what a subsystem writes to standard error, but a client shows the message of a status.
 * Of a request nothing is read but its id. No files, no memory that a client's numbers ask for.
 */
#ifndef DCM_SUBMITTER_SHELL_SFTP_H
#define DCM_SUBMITTER_SHELL_SFTP_H

#include <stdio.h>

/* Answers SSH_FX_PERMISSION_DENIED and the sentence to whatever the client asks for, until it
 * leaves, or sends what is no SFTP. */
void sftp_refuse(FILE *in, FILE *out, const char *sentence);

#endif
