# Manual pages, compressed as Debian wants them. dcm-admin(8) takes its commands from the script's
# own table.

# dcm_install_manual(component page section)
function(dcm_install_manual component page section)
    get_filename_component(name ${page} NAME)
    set(packed ${PROJECT_BINARY_DIR}/man/${name}.gz)
    add_custom_command(OUTPUT ${packed}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/man
        COMMAND gzip -9nc ${page} > ${packed} DEPENDS ${page} VERBATIM)
    add_custom_target(${name}.gz ALL DEPENDS ${packed})
    install(FILES ${packed} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section}
        COMPONENT ${component})
endfunction()

# A row: ["user add"]="function|least|most|options|usage|summary"
file(STRINGS ${PROJECT_SOURCE_DIR}/ops/dcm-admin rows REGEX "^    \\[\"[a-z ]+\"\\]=\"[^|]+\\|.*\\|.*\"$")
set(COMMANDS "")
foreach(row IN LISTS rows)
    string(REGEX REPLACE "^    .\"([a-z ]+)\".=\".*\\|([^|]*)\\|([^|]*)\"$"
        ".TP\n\\\\fB\\1\\\\fR \\2\n\\3.\n" row "${row}")
    string(APPEND COMMANDS "${row}")
endforeach()
string(REPLACE "-" "\\-" COMMANDS "${COMMANDS}")
configure_file(${PROJECT_SOURCE_DIR}/docs/man/dcm-admin.8.in ${PROJECT_BINARY_DIR}/dcm-admin.8 @ONLY)
set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/ops/dcm-admin)

dcm_install_manual(submit ${PROJECT_BINARY_DIR}/submitter/dcm-submit.1 1)
dcm_install_manual(submit ${PROJECT_BINARY_DIR}/submitter/dcm-shell.1 1)
dcm_install_manual(submit ${PROJECT_SOURCE_DIR}/docs/man/dcm-gate.8 8)
dcm_install_manual(worker ${PROJECT_SOURCE_DIR}/docs/man/dcm-worker.8 8)
dcm_install_manual(admin ${PROJECT_BINARY_DIR}/dcm-admin.8 8)
