/* dcm-submit-direct: what dcm-submit becomes with --config. */
#include "submitter/submit.h"

int main(int argc, char *argv[])
{
    return submit(argc, argv, connect_directly);
}
