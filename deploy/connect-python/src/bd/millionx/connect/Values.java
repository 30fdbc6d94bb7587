package bd.millionx.connect;

import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.errors.DataException;

/**
 * Connect data to MessagePack and back. With a schema: a struct is the list of its fields' values in schema order, a
 * map whose keys are no text or number is a list of pairs, a Decimal is text, a Date days, a Time and a Timestamp
 * milliseconds. Without one: MessagePack's own types, with extensions for decimals and times.
 */
final class Values {
    static final int EXT_DECIMAL = 1;
    static final int EXT_TIMESTAMP = 2;

    private Values() {}

    static void write(Pack out, Schema schema, Object value) {
        if (value == null) out.nil();
        else if (schema == null) writeAny(out, value);
        else
            switch (schema.type()) {
                case STRUCT -> writeStruct(out, schema, (Struct) value);
                case STRING -> out.string(value.toString());
                case BOOLEAN -> out.bool((Boolean) value);
                case FLOAT32 -> out.float32((Float) value);
                case FLOAT64 -> out.float64((Double) value);
                case INT8, INT16 -> out.integer(((Number) value).longValue());
                case INT32 -> {
                    if (!(value instanceof java.util.Date date)) out.integer((Integer) value);
                    else if (Date.LOGICAL_NAME.equals(schema.name())) out.integer(Date.fromLogical(schema, date));
                    else out.integer(Time.fromLogical(schema, date));
                }
                case INT64 -> out.integer(value instanceof java.util.Date date ? date.getTime() : (Long) value);
                case BYTES -> {
                    if (value instanceof byte[] bytes) out.binary(bytes);
                    else if (value instanceof ByteBuffer buffer) out.binary(buffer);
                    else out.string(value.toString()); // BigDecimal: its text keeps the scale
                }
                case ARRAY -> {
                    Collection<?> list = (Collection<?>) value;
                    out.array(list.size());
                    for (Object element : list) write(out, schema.valueSchema(), element);
                }
                case MAP -> writeMap(out, schema, (Map<?, ?>) value);
            }
    }

    private static void writeStruct(Pack out, Schema schema, Struct struct) {
        List<Field> fields = schema.fields();
        out.array(fields.size());
        for (int i = 0; i < fields.size(); i++) {
            Field field = fields.get(i);
            Schema type = field.schema();
            // Struct.get puts the default where the value is null; Python shall see what is there
            write(out, type, type.defaultValue() == null ? struct.get(field) : struct.getWithoutDefault(field.name()));
        }
    }

    private static void writeMap(Pack out, Schema schema, Map<?, ?> map) {
        boolean pairs = Schemas.mapIsPairs(schema);
        if (pairs) out.array(map.size());
        else out.map(map.size());
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (pairs) out.array(2);
            write(out, schema.keySchema(), entry.getKey());
            write(out, schema.valueSchema(), entry.getValue());
        }
    }

    private static void writeAny(Pack out, Object value) {
        if (value == null) out.nil();
        else if (value instanceof String text) out.string(text);
        else if (value instanceof Boolean bool) out.bool(bool);
        else if (value instanceof Float || value instanceof Double) out.float64(((Number) value).doubleValue());
        else if (value instanceof BigDecimal decimal) out.extension(EXT_DECIMAL, decimal.toString());
        else if (value instanceof Number number) out.integer(number.longValue());
        else if (value instanceof byte[] bytes) out.binary(bytes);
        else if (value instanceof ByteBuffer buffer) out.binary(buffer);
        else if (value instanceof java.util.Date date) out.extension(EXT_TIMESTAMP, Long.toString(date.getTime()));
        else if (value instanceof Collection<?> list) {
            out.array(list.size());
            for (Object element : list) writeAny(out, element);
        } else if (value instanceof Map<?, ?> map) {
            out.map(map.size());
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                writeAny(out, entry.getKey());
                writeAny(out, entry.getValue());
            }
        } else throw new DataException("no schema, and " + value.getClass().getName() + " is not plain data");
    }

    static Object read(Unpack in, Schema schema) {
        if (schema == null) return in.any();
        if (in.nil()) {
            if (!schema.isOptional() && schema.defaultValue() == null)
                throw new DataException("null where the schema demands a value");
            return null;
        }
        String name = schema.name();
        return switch (schema.type()) {
            case STRUCT -> readStruct(in, schema);
            case STRING -> in.string();
            case BOOLEAN -> in.bool();
            case FLOAT32 -> {
                double number = in.number();
                if (Double.isInfinite((float) number) && !Double.isInfinite(number))
                    throw new DataException("a number beyond 32-bit floating point");
                yield (float) number;
            }
            case FLOAT64 -> in.number();
            case INT8 -> (byte) ranged(in, Byte.MIN_VALUE, Byte.MAX_VALUE);
            case INT16 -> (short) ranged(in, Short.MIN_VALUE, Short.MAX_VALUE);
            case INT32 -> {
                int number = (int) ranged(in, Integer.MIN_VALUE, Integer.MAX_VALUE);
                if (Date.LOGICAL_NAME.equals(name)) yield Date.toLogical(schema, number);
                if (Time.LOGICAL_NAME.equals(name)) yield Time.toLogical(schema, number);
                yield number;
            }
            case INT64 -> {
                long number = in.integer();
                yield Timestamp.LOGICAL_NAME.equals(name) ? (Object) new java.util.Date(number) : (Object) number;
            }
            case BYTES -> Decimal.LOGICAL_NAME.equals(name) ? readDecimal(in, schema) : in.binary();
            case ARRAY -> {
                int length = in.array();
                List<Object> list = new ArrayList<>(length);
                for (int i = 0; i < length; i++) list.add(read(in, schema.valueSchema()));
                yield list;
            }
            case MAP -> {
                boolean pairs = Schemas.mapIsPairs(schema);
                int length = pairs ? in.array() : in.map();
                Map<Object, Object> map = new LinkedHashMap<>(length * 2);
                for (int i = 0; i < length; i++) {
                    if (pairs && in.array() != 2) throw new DataException("a map entry that is no pair");
                    Object key = read(in, schema.keySchema());
                    map.put(key, read(in, schema.valueSchema()));
                }
                yield map;
            }
        };
    }

    private static Struct readStruct(Unpack in, Schema schema) {
        List<Field> fields = schema.fields();
        if (in.array() != fields.size()) throw new DataException("a struct with the wrong number of fields");
        Struct struct = new Struct(schema);
        for (int i = 0; i < fields.size(); i++) {
            Field field = fields.get(i);
            try {
                struct.put(field, read(in, field.schema()));
            } catch (DataException error) {
                throw new DataException("field " + field.name() + ": " + error.getMessage());
            }
        }
        return struct;
    }

    private static BigDecimal readDecimal(Unpack in, Schema schema) {
        String scale = schema.parameters() == null ? null : schema.parameters().get(Decimal.SCALE_FIELD);
        try {
            BigDecimal decimal = new BigDecimal(in.string());
            return scale == null ? decimal : decimal.setScale(Integer.parseInt(scale));
        } catch (ArithmeticException | NumberFormatException error) {
            throw new DataException("a decimal that does not fit a scale of " + scale);
        }
    }

    private static long ranged(Unpack in, long min, long max) {
        long number = in.integer();
        if (number < min || number > max) throw new DataException("an integer outside " + min + " to " + max);
        return number;
    }

    static Object fromExtension(int type, String text) {
        if (type == EXT_DECIMAL) return new BigDecimal(text);
        if (type == EXT_TIMESTAMP) return new java.util.Date(Long.parseLong(text));
        throw new DataException("an extension of unknown type " + type);
    }
}
