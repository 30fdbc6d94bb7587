package bd.millionx.connect;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.kafka.connect.errors.DataException;

/** Writes one frame: four bytes of length, big-endian, then MessagePack (the subset this protocol needs). */
final class Pack {
    static final int PREFIX = 4;
    private static final int KEEP = 16 << 20; // a larger buffer is not kept for the next frame

    private byte[] bytes = new byte[8192];
    private int at = PREFIX;

    /** Begin the next frame. */
    Pack reset() {
        if (bytes.length > KEEP) bytes = new byte[8192];
        at = PREFIX;
        return this;
    }

    int size() {
        return at;
    }

    /** Forget what was written after {@code size()} was {@code mark}. */
    void rewind(int mark) {
        at = mark;
    }

    /** Everything written, with the length of the last frame, which began at {@code start}, filled in. */
    void end(int start) {
        ByteBuffer.wrap(bytes).putInt(start - PREFIX, at - start);
    }

    /** Begin another frame in the same buffer; returns where its payload starts. */
    int begin() {
        room(PREFIX);
        at += PREFIX;
        return at;
    }

    ByteBuffer buffer() {
        return ByteBuffer.wrap(bytes, 0, at);
    }

    private void room(int more) {
        if (at + more > bytes.length || at + more < 0) {
            long grown = Math.max((long) bytes.length * 2, (long) at + more);
            if (grown > Integer.MAX_VALUE - 64) throw new DataException("a frame of more than 2 GiB");
            bytes = Arrays.copyOf(bytes, (int) grown);
        }
    }

    private void raw(int tag, long value, int width) {
        room(1 + width);
        bytes[at++] = (byte) tag;
        for (int shift = (width - 1) * 8; shift >= 0; shift -= 8) bytes[at++] = (byte) (value >>> shift);
    }

    Pack nil() {
        raw(0xc0, 0, 0);
        return this;
    }

    Pack bool(boolean value) {
        raw(value ? 0xc3 : 0xc2, 0, 0);
        return this;
    }

    Pack integer(long value) {
        if (value >= -32 && value < 128) raw((int) value, 0, 0);
        else if (value == (byte) value) raw(0xd0, value, 1);
        else if (value == (short) value) raw(0xd1, value, 2);
        else if (value == (int) value) raw(0xd2, value, 4);
        else raw(0xd3, value, 8);
        return this;
    }

    Pack float32(float value) {
        raw(0xca, Float.floatToRawIntBits(value), 4);
        return this;
    }

    Pack float64(double value) {
        raw(0xcb, Double.doubleToRawLongBits(value), 8);
        return this;
    }

    Pack array(int length) {
        if (length < 16) raw(0x90 | length, 0, 0);
        else if (length < 1 << 16) raw(0xdc, length, 2);
        else raw(0xdd, length, 4);
        return this;
    }

    /** Begin a list whose length is told later, to {@link #closeArray} with the returned position. */
    int openArray() {
        raw(0xdd, 0, 4);
        return at - 4;
    }

    void closeArray(int position, int length) {
        ByteBuffer.wrap(bytes).putInt(position, length);
    }

    Pack map(int length) {
        if (length < 16) raw(0x80 | length, 0, 0);
        else if (length < 1 << 16) raw(0xde, length, 2);
        else raw(0xdf, length, 4);
        return this;
    }

    Pack binary(byte[] value) {
        return binary(ByteBuffer.wrap(value));
    }

    Pack binary(ByteBuffer value) {
        int length = value.remaining();
        if (length < 1 << 8) raw(0xc4, length, 1);
        else if (length < 1 << 16) raw(0xc5, length, 2);
        else raw(0xc6, length, 4);
        room(length);
        value.duplicate().get(bytes, at, length);
        at += length;
        return this;
    }

    /** An extension value, which carries what MessagePack has no type for; the body is ASCII text. */
    Pack extension(int type, String ascii) {
        byte[] body = ascii.getBytes(StandardCharsets.US_ASCII);
        raw(0xc9, body.length, 4);
        room(1 + body.length);
        bytes[at++] = (byte) type;
        System.arraycopy(body, 0, bytes, at, body.length);
        at += body.length;
        return this;
    }

    /** UTF-8. A lone surrogate has none, and replacing it would change data unseen, so it is refused. */
    Pack string(String value) {
        int chars = value.length();
        room(5 + chars * 3);
        int header = chars * 3 < 32 ? 1 : chars * 3 < 1 << 16 ? 3 : 5;
        int start = at + header;
        int end = start;
        for (int i = 0; i < chars; i++) {
            char c = value.charAt(i);
            if (c < 0x80) {
                bytes[end++] = (byte) c;
            } else if (c < 0x800) {
                bytes[end++] = (byte) (0xc0 | c >> 6);
                bytes[end++] = (byte) (0x80 | c & 0x3f);
            } else if (!Character.isSurrogate(c)) {
                bytes[end++] = (byte) (0xe0 | c >> 12);
                bytes[end++] = (byte) (0x80 | c >> 6 & 0x3f);
                bytes[end++] = (byte) (0x80 | c & 0x3f);
            } else {
                if (!Character.isHighSurrogate(c) || i + 1 == chars || !Character.isLowSurrogate(value.charAt(i + 1)))
                    throw new DataException("a string with half a surrogate pair at character " + i);
                int point = Character.toCodePoint(c, value.charAt(++i));
                bytes[end++] = (byte) (0xf0 | point >> 18);
                bytes[end++] = (byte) (0x80 | point >> 12 & 0x3f);
                bytes[end++] = (byte) (0x80 | point >> 6 & 0x3f);
                bytes[end++] = (byte) (0x80 | point & 0x3f);
            }
        }
        int length = end - start;
        if (header == 1) raw(0xa0 | length, 0, 0);
        else if (header == 3) raw(0xda, length, 2);
        else raw(0xdb, length, 4);
        at = end;
        return this;
    }
}
