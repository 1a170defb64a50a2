// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/part.hpp>

#include <cstddef>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace uk::hosted {

/// The process's arguments, of the first 4096 octets of its command line; the program's own name is not among them.
class arguments {
public:
    using needs = ports<>;
    using provides = ports<port::arguments>;
    static constexpr std::string_view name = "hosted::arguments";

    arguments() {
        const int file = ::open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
        if (file < 0) return;
        const ssize_t n = ::read(file, memory_, sizeof memory_);
        ::close(file);
        if (n > 0) text_ = {memory_, static_cast<std::size_t>(n)};
    }
    arguments(const arguments&) = delete;
    arguments& operator=(const arguments&) = delete;

    std::string_view argument(std::size_t i) const {
        std::string_view rest = text_;
        for (++i; i != 0; --i) {
            const std::size_t end = rest.find('\0');
            if (end == rest.npos) return {};
            rest.remove_prefix(end + 1);
        }
        return rest.substr(0, rest.find('\0'));
    }

private:
    char memory_[4096];
    std::string_view text_{};
};

}  // namespace uk::hosted
