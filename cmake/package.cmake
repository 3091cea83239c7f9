# Debian packages: `cpack` in a build of the preset `package` makes dcm-submit, dcm-worker and
# dcm-admin. They start nothing: who installs them has to say first where broker and store are.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "DCM developers <dcm@users.noreply.github.com>")
set(CPACK_PACKAGE_VENDOR "DCM")
set(CPACK_COMPONENTS_ALL submit worker admin)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

# dcm_package(component "Depends" "one line" "more")
function(dcm_package component depends summary description)
    string(TOUPPER ${component} upper)
    set(CPACK_DEBIAN_${upper}_PACKAGE_NAME dcm-${component} PARENT_SCOPE)
    set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "${depends}" PARENT_SCOPE)
    set(CPACK_COMPONENT_${upper}_DESCRIPTION "${summary}\n${description}" PARENT_SCOPE)
    file(GLOB scripts ${PROJECT_SOURCE_DIR}/ops/packages/${component}.*)
    set(control)
    foreach(script IN LISTS scripts)
        get_filename_component(name ${script} LAST_EXT)
        string(SUBSTRING ${name} 1 -1 name)
        set(copy ${PROJECT_BINARY_DIR}/control/${component}/${name})
        configure_file(${script} ${copy} COPYONLY)
        list(APPEND control ${copy})
    endforeach()
    set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA "${control}" PARENT_SCOPE)
endfunction()

dcm_package(submit "adduser"
    "DCM for login servers: commands, login shell and gate"
    " Users ask for containers of their own by dcm-submit, or at the prompt that\n dcm-shell gives them; dcm-gate hands their requests to the broker.")
dcm_package(worker "adduser, iptables"
    "DCM for servers with a Docker engine: the worker"
    " Takes users' requests from the broker, decides by policy, and makes the calls\n to the engine.")
dcm_package(admin "dcm-submit (= ${PROJECT_VERSION}), dcm-worker (= ${PROJECT_VERSION}), jq, openssl, openssh-client, procps, iproute2, e2fsprogs, bsdextrautils, redis-tools"
    "DCM for administrators: users, keys, policy, containers"
    " dcm-admin makes and removes users, and shows and changes what is theirs.")

# They set limits of users' storage, on XFS and on ext4.
set(CPACK_DEBIAN_ADMIN_PACKAGE_SUGGESTS "xfsprogs, quota")

# What Debian expects of every package.
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
    set(doc ${PROJECT_BINARY_DIR}/doc/${component})
    file(WRITE ${doc}/changelog "dcm-${component} (${PROJECT_VERSION}) stable; urgency=medium\n\n"
        "  * See the project's history.\n\n -- ${CPACK_PACKAGE_CONTACT}  ${now}\n")
    execute_process(COMMAND gzip -9nf ${doc}/changelog COMMAND_ERROR_IS_FATAL ANY)
    install(FILES ${doc}/changelog.gz DESTINATION share/doc/dcm-${component} COMPONENT ${component})
    install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION share/doc/dcm-${component}
        RENAME copyright COMPONENT ${component})
endforeach()

include(CPack)
