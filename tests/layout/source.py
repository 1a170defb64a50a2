# SPDX-License-Identifier: BSL-1.0
"""Reads C++ and Python sources as far as the layout rules need."""

import ast
import re

TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^\s()\\]{0,16})\(.*?\)(?P=tag)"'
                    r"|\"(?:\\.|[^\"\\\n])*\"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.S)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
CONTROL = re.compile(r"\b(?:if|for|while|switch|catch|namespace|class|struct|union|enum|concept)\b|=\s*$")


def plain(text):
    """`text` with comments, strings and character literals blanked; every line and column keeps its place."""
    return TOKENS.sub(lambda token: re.sub(r"[^\n]", " ", token[0]), text)


def includes(text):
    """(delimiter, path) of every include. A commented include does not count."""
    # Comments go, but not the quoted name of an include.
    bare = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    return INCLUDE.findall(bare)


def cpp_functions(text):
    """(first line, lines) of each outermost function or test case: a brace behind a parameter list, heuristically."""
    code = re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", lambda line: re.sub(r"[^\n]", " ", line[0]), plain(text), flags=re.M)
    found = []
    head, stack, parens, inside = 0, [], 0, 0
    for at, character in enumerate(code):
        if character in "([":
            parens += 1
        elif character in ")]":
            parens = max(0, parens - 1)
        elif character == ";" and not parens:
            head = at + 1
        elif character == "{":
            words = code[head:at]
            function = ")" in words and not CONTROL.search(words) and not inside
            stack.append((function, head + len(words) - len(words.lstrip()), parens))
            inside += function
            head, parens = at + 1, 0
        elif character == "}" and stack:
            function, begin, parens = stack.pop()
            inside -= function
            if function:
                found.append((code.count("\n", 0, begin) + 1, code.count("\n", begin, at) + 1))
            head = at + 1
    return found


def python_functions(text):
    """(first line, lines) of each function."""
    return [(node.lineno, node.end_lineno - node.lineno + 1) for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
