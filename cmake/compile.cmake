# Warnings and hardening, on one interface target that every target of ours links.
add_library(dcm_compile INTERFACE)

target_include_directories(dcm_compile INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(dcm_compile INTERFACE
    _GNU_SOURCE
    DCM_VERSION="${PROJECT_VERSION}"
    DCM_RUN_DIRECTORY="${DCM_RUN_DIRECTORY}"
    DCM_CONFIG_DIRECTORY="${DCM_CONFIG_DIRECTORY}")

include(CheckCCompilerFlag)
check_c_compiler_flag(-ftrivial-auto-var-init=zero DCM_HAS_AUTO_INIT)

target_compile_options(dcm_compile INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wformat=2 -Wundef -Wvla -Wcast-qual
    -Wstrict-prototypes -Wmissing-prototypes -Wnull-dereference -Wswitch-enum
    $<$<BOOL:${DCM_WERROR}>:-Werror>
    -fstack-protector-strong -fstack-clash-protection -fcf-protection
    $<$<BOOL:${DCM_HAS_AUTO_INIT}>:-ftrivial-auto-var-init=zero>
    $<$<CONFIG:Release,RelWithDebInfo>:-U_FORTIFY_SOURCE>
    $<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=3>)

target_link_options(dcm_compile INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,--as-needed)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
