// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace uk {

/// A place in an intrusive circular list. Unlinks itself when it dies, so a destroyed coroutine leaves no trace in the
/// queues it waited in. Neither copied nor moved: its neighbours point at it.
class list_node {
public:
    [[gnu::noinline]] constexpr list_node() : prev_(this), next_(this) {}
    list_node(const list_node&) = delete;
    list_node& operator=(const list_node&) = delete;
    ~list_node() { unlink(); }

    constexpr bool linked() const { return next_ != this; }

    [[gnu::noinline]] constexpr void unlink() {
        prev_->next_ = next_;
        next_->prev_ = prev_;
        prev_ = next_ = this;
    }

private:
    template <class>
    friend class list;

    list_node* prev_;
    list_node* next_;
};

/// First in, first out, over nodes that derive from list_node. Owns nothing; all operations take constant time.
template <class Node>
class list {
public:
    constexpr bool empty() const { return !head_.linked(); }

    /// Puts `node` last, out of whatever list it was in.
    [[gnu::noinline]] constexpr void push_back(Node& node) {
        list_node& n = node;
        n.unlink();
        n.prev_ = head_.prev_;
        n.next_ = &head_;
        head_.prev_->next_ = &n;
        head_.prev_ = &n;
    }

    constexpr Node& front() { return static_cast<Node&>(*head_.next_); }

    constexpr Node& pop_front() {
        Node& node = front();
        static_cast<list_node&>(node).unlink();
        return node;
    }

    /// Moves everything in `other` behind what is here.
    constexpr void take_all(list& other) {
        if (other.empty()) return;
        list_node& first = *other.head_.next_;
        list_node& last = *other.head_.prev_;
        other.head_.prev_ = other.head_.next_ = &other.head_;
        first.prev_ = head_.prev_;
        last.next_ = &head_;
        head_.prev_->next_ = &first;
        head_.prev_ = &last;
    }

private:
    list_node head_;
};

}  // namespace uk
