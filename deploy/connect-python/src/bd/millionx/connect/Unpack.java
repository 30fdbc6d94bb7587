package bd.millionx.connect;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.errors.DataException;

/** Reads the MessagePack of one frame. A value of the wrong type is a {@link DataException}. */
final class Unpack {
    private final ByteBuffer in;

    Unpack(ByteBuffer payload) {
        in = payload;
    }

    private int tag() {
        if (!in.hasRemaining()) throw new DataException("the frame ends early");
        return in.get() & 0xff;
    }

    private static DataException expected(String what, int tag) {
        return new DataException("expected " + what + ", got " + typeName(tag));
    }

    boolean hasMore() {
        return in.hasRemaining();
    }

    /** Whether the next value is null; if so it is consumed. */
    boolean nil() {
        if ((in.get(in.position()) & 0xff) != 0xc0) return false;
        in.get();
        return true;
    }

    boolean bool() {
        int tag = tag();
        if (tag != 0xc2 && tag != 0xc3) throw expected("a boolean", tag);
        return tag == 0xc3;
    }

    long integer() {
        int tag = tag();
        if (tag < 0x80 || tag >= 0xe0) return (byte) tag;
        switch (tag) {
            case 0xcc: return in.get() & 0xff;
            case 0xcd: return in.getShort() & 0xffff;
            case 0xce: return in.getInt() & 0xffffffffL;
            case 0xcf: {
                long value = in.getLong();
                if (value < 0) throw new DataException("an integer beyond 64 bits");
                return value;
            }
            case 0xd0: return in.get();
            case 0xd1: return in.getShort();
            case 0xd2: return in.getInt();
            case 0xd3: return in.getLong();
            default: throw expected("an integer", tag);
        }
    }

    /** A floating-point number; an integer is taken where it is exact. */
    double number() {
        int tag = in.get(in.position()) & 0xff;
        if (tag == 0xcb) {
            in.get();
            return in.getDouble();
        }
        if (tag == 0xca) {
            in.get();
            return in.getFloat();
        }
        if (!isInteger(tag)) throw expected("a number", tag);
        long value = integer();
        if ((long) (double) value != value) throw new DataException("an integer that no float holds exactly");
        return value;
    }

    private static boolean isInteger(int tag) {
        return tag < 0x80 || tag >= 0xe0 || tag >= 0xcc && tag <= 0xd3;
    }

    int array() {
        int tag = tag();
        if (tag >= 0x90 && tag < 0xa0) return tag & 0x0f;
        if (tag == 0xdc) return in.getShort() & 0xffff;
        if (tag == 0xdd) return in.getInt();
        throw expected("a list", tag);
    }

    int map() {
        int tag = tag();
        if (tag >= 0x80 && tag < 0x90) return tag & 0x0f;
        if (tag == 0xde) return in.getShort() & 0xffff;
        if (tag == 0xdf) return in.getInt();
        throw expected("a dict", tag);
    }

    String string() {
        int tag = tag();
        int length;
        if (tag >= 0xa0 && tag < 0xc0) length = tag & 0x1f;
        else if (tag == 0xd9) length = in.get() & 0xff;
        else if (tag == 0xda) length = in.getShort() & 0xffff;
        else if (tag == 0xdb) length = in.getInt();
        else throw expected("text", tag);
        String value = new String(in.array(), in.arrayOffset() + in.position(), length, StandardCharsets.UTF_8);
        in.position(in.position() + length);
        return value;
    }

    byte[] binary() {
        int tag = tag();
        int length;
        if (tag == 0xc4) length = in.get() & 0xff;
        else if (tag == 0xc5) length = in.getShort() & 0xffff;
        else if (tag == 0xc6) length = in.getInt();
        else throw expected("bytes", tag);
        byte[] value = new byte[length];
        in.get(value);
        return value;
    }

    /** Any value by its own type: Boolean, Long, Double, String, byte[], List, Map, BigDecimal, java.util.Date. */
    Object any() {
        int tag = in.get(in.position()) & 0xff;
        if (tag == 0xc0) {
            in.get();
            return null;
        }
        if (isInteger(tag)) return integer();
        if (tag == 0xc2 || tag == 0xc3) return bool();
        if (tag == 0xca || tag == 0xcb) return number();
        if (tag >= 0xa0 && tag < 0xc0 || tag >= 0xd9 && tag <= 0xdb) return string();
        if (tag >= 0xc4 && tag <= 0xc6) return binary();
        if (tag >= 0x90 && tag < 0xa0 || tag == 0xdc || tag == 0xdd) {
            int length = array();
            List<Object> list = new ArrayList<>(length);
            for (int i = 0; i < length; i++) list.add(any());
            return list;
        }
        if (tag >= 0x80 && tag < 0x90 || tag == 0xde || tag == 0xdf) {
            int length = map();
            Map<Object, Object> map = new LinkedHashMap<>(length * 2);
            for (int i = 0; i < length; i++) map.put(any(), any());
            return map;
        }
        return extension();
    }

    private Object extension() {
        int tag = tag();
        int length;
        if (tag >= 0xd4 && tag <= 0xd8) length = 1 << (tag - 0xd4);
        else if (tag == 0xc7) length = in.get() & 0xff;
        else if (tag == 0xc8) length = in.getShort() & 0xffff;
        else if (tag == 0xc9) length = in.getInt();
        else throw expected("a value", tag);
        int type = in.get();
        byte[] body = new byte[length];
        in.get(body);
        return Values.fromExtension(type, new String(body, StandardCharsets.US_ASCII));
    }

    private static String typeName(int tag) {
        if (isInteger(tag)) return "an integer";
        if (tag == 0xc0) return "null";
        if (tag == 0xc2 || tag == 0xc3) return "a boolean";
        if (tag == 0xca || tag == 0xcb) return "a float";
        if (tag >= 0xa0 && tag < 0xc0 || tag >= 0xd9 && tag <= 0xdb) return "text";
        if (tag >= 0xc4 && tag <= 0xc6) return "bytes";
        if (tag >= 0x90 && tag < 0xa0 || tag == 0xdc || tag == 0xdd) return "a list";
        if (tag >= 0x80 && tag < 0x90 || tag == 0xde || tag == 0xdf) return "a dict";
        return "a decimal or a time";
    }
}
