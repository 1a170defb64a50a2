// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/part.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

namespace uk::hosted {

/// A network card on a TAP interface of the Linux kernel: the one named by the environment variable UK_TAP, else uk0.
/// The interface must exist or the process must be allowed to make it; otherwise the process ends with a sentence.
struct tap {
    using needs = ports<port::packets>;
    using provides = ports<port::frame>;
    static constexpr std::string_view name = "hosted::tap";

    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) : store_(os[port::packets].store()) { open_interface(); }
        in(const in&) = delete;
        in& operator=(const in&) = delete;
        ~in() { ::close(fd_); }

        int descriptor() const { return fd_; }

        packet receive() {
            packet p = store_.take(frame_offset);
            if (!p) return p;
            const std::size_t room = std::min(p.tailroom(), mtu() + 14);
            const ssize_t n = ::read(fd_, p.data(), room);
            if (n <= 0) return {};
            p.push_back(static_cast<std::size_t>(n));
            return p;
        }

        bool send(outgoing&& frame) {
            std::array<iovec, 2> pieces{{{frame.head.data(), frame.head.size()},
                                         {const_cast<std::byte*>(frame.body.data()), frame.body.size()}}};
            return ::writev(fd_, pieces.data(), frame.body.empty() ? 1 : 2) >= 0;
        }

        mac address() const { return address_; }
        static constexpr std::size_t mtu() { return 1500; }

    private:
        // Places the network header on a multiple of four.
        static constexpr std::size_t frame_offset = 2;

        [[noreturn]] static void give_up(const char* what, const char* remedy) {
            std::fprintf(stderr, "uk: %s: %s; %s\n", what, std::strerror(errno), remedy);
            std::exit(1);
        }

        void open_interface() {
            fd_ = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
            if (fd_ < 0) give_up("cannot open /dev/net/tun", "run as root, or load the tun module");
            ifreq request{};
            const char* wanted = std::getenv("UK_TAP");
            if (wanted == nullptr) wanted = "uk0";
            std::strncpy(request.ifr_name, wanted, IFNAMSIZ - 1);
            request.ifr_flags = IFF_TAP | IFF_NO_PI;
            if (::ioctl(fd_, TUNSETIFF, &request) < 0) {
                give_up("cannot attach to the TAP interface", "make it first: ip tuntap add uk0 mode tap user $USER");
            }
            // The kernel's end has the interface's own address; ours differs, locally administered, stable per name.
            address_ = mac{{0x02, 0x75, 0x6b, 0x00, 0x00, 0x01}};
            for (std::size_t i = 0; i < IFNAMSIZ && request.ifr_name[i] != '\0'; ++i) {
                auto& octet = address_.octets[3 + i % 3];
                octet = static_cast<std::uint8_t>(octet * 31 + static_cast<unsigned char>(request.ifr_name[i]));
            }
        }

        packet_store& store_;
        int fd_ = -1;
        mac address_;
    };
};

}  // namespace uk::hosted
