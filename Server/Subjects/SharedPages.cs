namespace NatsAspire.Server.Subjects;

/// <summary>
/// Pages of memory that a copy has in common with its original until one of them writes to a page: to make a copy costs
/// the list of the pages, not what is in them. Each side belongs to one thread; a page in common is never written.
/// </summary>
/// <typeparam name="T">What the pages hold.</typeparam>
internal sealed class SharedPages<T>
{
    private readonly List<T[]> _pages;
    private readonly List<bool> _isShared;

    /// <param name="firstLength">Of the first page.</param>
    public SharedPages(int firstLength) => (_pages, _isShared) = ([new T[firstLength]], [false]);

    private SharedPages(List<T[]> pages, List<bool> isShared) => (_pages, _isShared) = (pages, isShared);

    public int Count => _pages.Count;

    /// <summary>Things there is room for in all pages.</summary>
    public long Length => _pages.Sum(page => (long)page.Length);

    /// <summary>A page to read.</summary>
    public T[] this[int page] => _pages[page];

    /// <summary>A page to write to: this side's own from now on. What was read of it before shows the past.</summary>
    public T[] Edit(int page)
    {
        if (_isShared[page]) Replace(page, (T[])_pages[page].Clone());
        return _pages[page];
    }

    public void Add(int length)
    {
        _pages.Add(new T[length]);
        _isShared.Add(false);
    }

    /// <summary>Gives a page another length.</summary>
    public void Resize(int page, int length)
    {
        var resized = new T[length];
        _pages[page].AsSpan(0, Math.Min(length, _pages[page].Length)).CopyTo(resized);
        Replace(page, resized);
    }

    /// <summary>A copy as of now.</summary>
    public SharedPages<T> Clone()
    {
        for (var page = 0; page < _isShared.Count; page++) _isShared[page] = true;
        return new SharedPages<T>([.. _pages], [.. _isShared]);
    }

    private void Replace(int page, T[] with) => (_pages[page], _isShared[page]) = (with, false);
}
