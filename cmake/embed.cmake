# Text files as one C string, made anew whenever one of them changes:
#
#   dcm_embed(dcm_schemas store_functions HEADER schemas/keys.h FILES a.lua b.lua)
#
# adds a source to the target that defines `const char store_functions[]`, which the header
# declares. This file is also the script that writes it (cmake -P).

if(NOT CMAKE_SCRIPT_MODE_FILE)
    function(dcm_embed target symbol)
        cmake_parse_arguments(PARSE_ARGV 2 embed "" "HEADER" "FILES")
        set(output ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c)
        add_custom_command(OUTPUT ${output}
            COMMAND ${CMAKE_COMMAND} "-DSYMBOL=${symbol}" "-DHEADER=${embed_HEADER}"
                    "-DOUTPUT=${output}" "-DFILES=${embed_FILES}"
                    -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
            DEPENDS ${embed_FILES} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
            VERBATIM)
        target_sources(${target} PRIVATE ${output})
    endfunction()
    return()
endif()

# An array rather than a string literal, whose length C limits (C17, 5.2.4.1).
set(bytes "")
foreach(file IN LISTS FILES)
    file(READ ${file} content HEX)
    string(APPEND bytes ${content})
endforeach()
string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
string(REPLACE "'\\x0a'," "'\\x0a',\n" bytes "${bytes}")
file(WRITE ${OUTPUT} "#include \"${HEADER}\"\n\nconst char ${SYMBOL}[] = {\n${bytes}'\\0'};\n")
