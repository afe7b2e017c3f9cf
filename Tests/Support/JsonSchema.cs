using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace NatsAspire.Tests.Support;

/// <summary>
/// The part of JSON Schema draft 7 that NATS's schemas use. No validator restores here, so this is ours; a keyword it
/// does not know is an error, not a pass.
/// </summary>
public static class JsonSchema
{
    private static readonly HashSet<string> Annotations =
        ["$schema", "$id", "$comment", "title", "description", "default", "deprecationMessage", "missing", "examples"];

    /// <summary>Fails with every place where the document is not as the schema says.</summary>
    /// <param name="document">What is checked.</param>
    /// <param name="schema">Path below <c>Golden/schemas</c>.</param>
    /// <param name="known">Places (as <c>/server/flag</c>) where 2.14.5 itself differs from the schema.</param>
    public static void ShouldMatch(JsonElement document, string schema, params string[] known) => ShouldMatch(document, Golden.Json("schemas", schema), schema, known);

    /// <summary>The same for a schema that is at hand.</summary>
    public static void ShouldMatch(JsonElement document, JsonElement rules, string schema, params string[] known)
    {
        var errors = new List<string>();
        Check(document, rules, "", errors);
        errors.RemoveAll(error => known.Any(place => error.StartsWith(place + ":", StringComparison.Ordinal)));
        errors.ShouldBeEmpty($"{schema}: {document}");
    }

    private static void Check(JsonElement value, JsonElement schema, string at, List<string> errors)
    {
        if (schema.ValueKind != JsonValueKind.Object)
        {
            if (schema.ValueKind == JsonValueKind.False) errors.Add($"{at}: not allowed");
            return;
        }
        foreach (var rule in schema.EnumerateObject())
        {
            if (!Annotations.Contains(rule.Name)) CheckRule(value, rule, schema, at, errors);
        }
    }

    private static void CheckRule(JsonElement value, JsonProperty rule, JsonElement schema, string at, List<string> errors)
    {
        var wanted = rule.Value;
        switch (rule.Name)
        {
            case "type":
                if (!Types(wanted).Any(type => Is(value, type))) errors.Add($"{at}: is a {value.ValueKind}, not a {wanted}");
                break;
            case "const":
                if (!JsonElement.DeepEquals(value, wanted)) errors.Add($"{at}: is {value}, not {wanted}");
                break;
            case "enum":
                if (!wanted.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value))) errors.Add($"{at}: {value} is none of {wanted}");
                break;
            case "oneOf" or "allOf":
                CheckCombination(value, rule, at, errors);
                break;
            case "properties" or "required" or "additionalProperties" or "patternProperties":
                if (value.ValueKind == JsonValueKind.Object) CheckObject(value, rule, schema, at, errors);
                break;
            case "items":
                if (value.ValueKind == JsonValueKind.Array) CheckItems(value, wanted, at, errors);
                break;
            default:
                CheckScalar(value, rule, at, errors);
                break;
        }
    }

    private static void CheckCombination(JsonElement value, JsonProperty rule, string at, List<string> errors)
    {
        var failures = rule.Value.EnumerateArray().Select(one =>
        {
            var found = new List<string>();
            Check(value, one, at, found);
            return found;
        }).ToList();
        if (rule.Name == "allOf") errors.AddRange(failures.SelectMany(found => found));
        else if (failures.Count(found => found.Count == 0) != 1) errors.Add($"{at}: matches {failures.Count(found => found.Count == 0)} of oneOf: {string.Join(" | ", failures.Select(found => string.Join(", ", found)))}");
    }

    private static void CheckObject(JsonElement value, JsonProperty rule, JsonElement schema, string at, List<string> errors)
    {
        if (rule.Name == "required")
        {
            errors.AddRange(rule.Value.EnumerateArray().Select(key => key.GetString()!).Where(key => !value.TryGetProperty(key, out _)).Select(key => $"{at}/{key}: is missing"));
            return;
        }
        foreach (var property in value.EnumerateObject())
        {
            var place = $"{at}/{property.Name}";
            if (rule.Name == "properties")
            {
                if (rule.Value.TryGetProperty(property.Name, out var own)) Check(property.Value, own, place, errors);
            }
            else if (rule.Name == "patternProperties")
            {
                foreach (var pattern in rule.Value.EnumerateObject().Where(pattern => Regex.IsMatch(property.Name, pattern.Name))) Check(property.Value, pattern.Value, place, errors);
            }
            else if (!IsNamed(property.Name, schema))
            {
                Check(property.Value, rule.Value, place, errors);
            }
        }
    }

    private static bool IsNamed(string key, JsonElement schema) =>
        (schema.TryGetProperty("properties", out var named) && named.TryGetProperty(key, out _))
        || (schema.TryGetProperty("patternProperties", out var patterns) && patterns.EnumerateObject().Any(pattern => Regex.IsMatch(key, pattern.Name)));

    private static void CheckItems(JsonElement value, JsonElement schema, string at, List<string> errors)
    {
        var index = 0;
        foreach (var item in value.EnumerateArray()) Check(item, schema, $"{at}/{index++}", errors);
    }

    private static void CheckScalar(JsonElement value, JsonProperty rule, string at, List<string> errors)
    {
        var isText = value.ValueKind == JsonValueKind.String;
        var isNumber = value.ValueKind == JsonValueKind.Number;
        var holds = rule.Name switch
        {
            "minLength" => !isText || value.GetString()!.Length >= rule.Value.GetInt32(),
            "maxLength" => !isText || value.GetString()!.Length <= rule.Value.GetInt32(),
            "pattern" => !isText || Regex.IsMatch(value.GetString()!, rule.Value.GetString()!),
            "minimum" => !isNumber || value.GetDecimal() >= (decimal)rule.Value.GetDouble(),
            "maximum" => !isNumber || value.GetDecimal() <= (decimal)rule.Value.GetDouble(),
            "format" => !isText || rule.Value.GetString() != "date-time" || DateTimeOffset.TryParse(value.GetString(), CultureInfo.InvariantCulture, out _),
            _ => throw new NotSupportedException($"The schema keyword \"{rule.Name}\" is not known to this validator."),
        };
        if (!holds) errors.Add($"{at}: {value} against {rule.Name} {rule.Value}");
    }

    private static IEnumerable<string> Types(JsonElement type) =>
        type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(one => one.GetString()!) : [type.GetString()!];

    private static bool Is(JsonElement value, string type) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && decimal.IsInteger(value.GetDecimal()),
        _ => throw new NotSupportedException($"The schema type \"{type}\" is not known to this validator."),
    };
}
