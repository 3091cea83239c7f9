# Text files as one C string, made anew whenever one of them changes:
#
#   dcm_embed(dcm_schemas store_functions HEADER schemas/keys.h FILES a.lua b.lua)
#
# adds a source to the target that defines `const char store_functions[]`, which the header
# declares. With VERSION dcm_1 NAME store_library, every dcm_1 in the files becomes a name that tells
# their content, "dcm_" and digits of their SHA-256, and `const char store_library[]` is that name.
# This file is also the script that writes it (cmake -P).

if(NOT CMAKE_SCRIPT_MODE_FILE)
    function(dcm_embed target symbol)
        cmake_parse_arguments(PARSE_ARGV 2 embed "" "HEADER;VERSION;NAME" "FILES")
        set(output ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c)
        add_custom_command(OUTPUT ${output}
            COMMAND ${CMAKE_COMMAND} "-DSYMBOL=${symbol}" "-DHEADER=${embed_HEADER}"
                    "-DVERSION=${embed_VERSION}" "-DNAME=${embed_NAME}"
                    "-DOUTPUT=${output}" "-DFILES=${embed_FILES}"
                    -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
            DEPENDS ${embed_FILES} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
            VERBATIM)
        target_sources(${target} PRIVATE ${output})
    endfunction()
    return()
endif()

set(text "")
foreach(file IN LISTS FILES)
    file(READ ${file} content)
    string(APPEND text "${content}")
endforeach()
set(name_line "")
if(VERSION)
    string(SHA256 digest "${text}")
    string(SUBSTRING ${digest} 0 12 digest)
    string(REPLACE ${VERSION} dcm_${digest} text "${text}")
    set(name_line "const char ${NAME}[] = \"dcm_${digest}\";\n")
endif()

# An array rather than a string literal, whose length C limits (C17, 5.2.4.1).
string(HEX "${text}" bytes)
string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
string(REPLACE "'\\x0a'," "'\\x0a',\n" bytes "${bytes}")
file(WRITE ${OUTPUT}
    "#include \"${HEADER}\"\n\n${name_line}const char ${SYMBOL}[] = {\n${bytes}'\\0'};\n")
