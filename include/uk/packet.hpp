// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/check.hpp>
#include <uk/image_link.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

namespace uk {

/// Octets kept free before the payload of a packet that is to be sent, so that every layer can put its header in place:
/// virtio 12, ethernet 14, IPv4 20, TCP 60, rounded up to keep the payload aligned.
inline constexpr std::size_t packet_headroom = 112;

class packet_store;
struct outgoing;
using packet_store_link = image_link<packet_store, uk_packet_store_object>;

/// One fixed block of packet memory. `octets` follow the record in memory.
struct alignas(16) packet_buffer {
    packet_buffer* next = nullptr;  // free list, or a queue of the one owner
    [[no_unique_address]] packet_store_link home;
    std::uint32_t references = 0;
};

/// A handle on octets in a packet buffer: one reference to the buffer and a window into it. Move-only; `share` makes a
/// second handle on purpose. The last handle to die gives the buffer back.
class packet {
public:
    packet() = default;
    packet(packet&& other) noexcept
        : buffer_(std::exchange(other.buffer_, nullptr)), begin_(other.begin_), size_(other.size_) {}
    packet& operator=(packet&& other) noexcept {
        packet old(std::move(*this));
        buffer_ = std::exchange(other.buffer_, nullptr);
        begin_ = other.begin_;
        size_ = other.size_;
        return *this;
    }
    ~packet() {
        if (buffer_ != nullptr) release();
    }

    explicit operator bool() const { return buffer_ != nullptr; }

    /// Gives the buffer back: a null handle is left.
    [[gnu::noinline]] void drop() {
        this->~packet();
        new (this) packet;
    }

    std::size_t size() const { return size_; }
    std::byte* data() { return block() + begin_; }
    const std::byte* data() const { return block() + begin_; }
    writable_bytes contents() { return {data(), size()}; }
    bytes contents() const { return {data(), size()}; }

    std::size_t headroom() const { return begin_ - sizeof(packet_buffer); }
    inline std::size_t tailroom() const;

    /// Grows the window at the front by `n` octets, for a header; returns them. A missing headroom is a bug.
    writable_bytes push_front(std::size_t n) {
        check(sizeof(packet_buffer) + n <= begin_, "packet: no headroom left");
        begin_ -= static_cast<std::uint32_t>(n);
        size_ += static_cast<std::uint32_t>(n);
        return {data(), n};
    }

    /// Grows the window at the end by `n` octets; returns them. A missing tailroom is a bug.
    inline writable_bytes push_back(std::size_t n);

    /// Drops up to `n` octets at the front, at the end.
    [[gnu::noinline]] void pop_front(std::size_t n) {
        const auto less = static_cast<std::uint32_t>(n < size() ? n : size());
        begin_ += less;
        size_ -= less;
    }
    void pop_back(std::size_t n) { size_ -= static_cast<std::uint32_t>(n < size() ? n : size()); }

    /// Keeps the first `n` octets, if there are more.
    void truncate(std::size_t n) {
        if (n < size()) size_ = static_cast<std::uint32_t>(n);
    }

    /// A second handle on the same octets: they must not be written any more.
    packet share() const {
        packet other;
        other.buffer_ = buffer_;
        other.begin_ = begin_;
        other.size_ = size_;
        if (buffer_ != nullptr) ++buffer_->references;
        return other;
    }

    /// Gives up the handle without giving back the reference: for rings that remember a buffer by its record.
    packet_buffer* detach() { return std::exchange(buffer_, nullptr); }

    /// The handle again, of octets [begin, begin + size) of the buffer's storage. A driver cuts `size` to what it
    /// posted.
    inline static packet attach(packet_buffer* buffer, std::size_t begin, std::size_t size);

    /// True when nobody else holds the buffer: only then may its octets be written.
    bool exclusive() const { return buffer_ != nullptr && buffer_->references == 1; }

private:
    std::byte* block() const { return reinterpret_cast<std::byte*>(buffer_); }
    inline void release();

    packet_buffer* buffer_ = nullptr;
    std::uint32_t begin_ = 0;  // from the record on
    std::uint32_t size_ = 0;
};

/// A fixed set of equal packet buffers over storage that somebody else owns. All operations take constant time.
class packet_store {
public:
    /// Splits `storage` into blocks of one record and `capacity` octets.
    packet_store(writable_bytes storage, std::size_t capacity) : capacity_(capacity) {
        const std::size_t stride = sizeof(packet_buffer) + capacity;
        for (std::size_t at = 0; at + stride <= storage.size(); at += stride) {
            put(new (storage.data() + at) packet_buffer{.home = *this});
        }
        reserved_ = available_ / 16 < most_reserved ? available_ / 16 : most_reserved;
    }
    packet_store(const packet_store&) = delete;
    packet_store& operator=(const packet_store&) = delete;

    /// An empty window after `headroom` octets, or a null handle when no buffer is free.
    packet take(std::size_t headroom = packet_headroom) {
        if (free_ == nullptr) {
            ++exhausted_;
            return {};
        }
        packet_buffer* buffer = std::exchange(free_, free_->next);
        buffer->references = 1;
        --available_;
        return packet::attach(buffer, headroom, 0);
    }

    /// The same as a message to be sent.
    outgoing take_outgoing();
    /// `take` for whoever may keep it for long: the last buffers are left to reception and to headers, without which
    /// nothing would ever be given back.
    packet take_spare(std::size_t headroom) { return has_spare() ? take(headroom) : packet(); }
    bool has_spare() const { return available_ > reserved_; }

    void put(packet_buffer* buffer) {
        buffer->next = free_;
        free_ = buffer;
        ++available_;
    }

    std::size_t capacity() const { return capacity_; }
    std::size_t available() const { return available_; }
    /// How often a buffer was asked for in vain.
    std::uint32_t exhausted() const { return exhausted_; }

private:
    static constexpr std::uint32_t most_reserved = 8;

    packet_buffer* free_ = nullptr;
    std::size_t capacity_;
    std::uint32_t available_ = 0;
    std::uint32_t reserved_ = 0;
    std::uint32_t exhausted_ = 0;
};

inline std::size_t packet::tailroom() const { return buffer_->home->capacity() - headroom() - size_; }

inline writable_bytes packet::push_back(std::size_t n) {
    check(n <= tailroom(), "packet: no tailroom left");
    std::byte* at = data() + size_;
    size_ += static_cast<std::uint32_t>(n);
    return {at, n};
}

inline packet packet::attach(packet_buffer* buffer, std::size_t begin, std::size_t size) {
    packet p;
    p.buffer_ = buffer;
    p.begin_ = static_cast<std::uint32_t>(sizeof(packet_buffer) + begin);
    p.size_ = static_cast<std::uint32_t>(size);
    return p;
}

inline void packet::release() {
    if (--buffer_->references == 0) buffer_->home->put(buffer_);
}

/// What a layer hands down to be sent: `head` starts with the headers (each layer pushes its own in front), `body` is
/// an optional second piece that is sent from where it lies. `owner` keeps the body's memory alive until the device is
/// done with it; it is empty for constant data.
struct outgoing {
    packet head;
    bytes body{};
    packet owner{};
    /// For the internet layer's header: the DS field (RFC 2474 section 3) above the two bits of ECN, which are 2 where
    /// the transport can be told of congestion (RFC 3168 section 5).
    std::uint8_t traffic_class = 0;

    std::size_t size() const { return head.size() + body.size(); }
};

[[gnu::noinline]] inline outgoing packet_store::take_outgoing() { return {.head = take()}; }

}  // namespace uk
